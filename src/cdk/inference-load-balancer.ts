// One load balancer before several functions: each answers below its name, to whom the network lets in.
import { createHash } from 'node:crypto';
import { CfnOutput, Duration, Validations } from 'aws-cdk-lib';
import { type IConnectable, type IVpc, Port, type Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  type ApplicationListener,
  ApplicationListenerRule,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  ListenerAction,
  ListenerCondition,
  SslPolicy,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { ARecord, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { LoadBalancerTarget } from 'aws-cdk-lib/aws-route53-targets';
import type { Bucket, IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';
import type { ApiDomain } from './api-stage.ts';
import { functionTarget } from './function-target.ts';
import type { InferenceFunction } from './inference-function.ts';
import { mustBeNamed } from './must-be-named.ts';

export interface InferenceLoadBalancerProps {
  /** Name in the path → function: `{ iris }` answers at `/iris` and below. Lower-case letters, digits and hyphens. */
  readonly functions: Readonly<Record<string, InferenceFunction>>;
  readonly vpc: IVpc | Vpc;
  /** Who may call: `Peer.ipv4('10.0.0.0/16')`, the security group of a service. A load balancer asks for nothing else. */
  readonly clients: readonly IConnectable[];
  /**
   * A name of your own with its certificate, for HTTPS.
   * @default none: HTTP, within the VPC alone
   */
  readonly domain?: ApiDomain;
  /**
   * Whether it can be reached from outside of the VPC, by `clients`.
   * @default false
   */
  readonly internetFacing?: boolean;
  /**
   * Where it logs each request. The bucket must be in the stack's region, and the stack must say which that is.
   * @default nowhere: the functions' logs have their requests
   */
  readonly accessLog?: IBucket | Bucket;
}

/**
 * An Application Load Balancer. It carries requests and answers of at most 1 MB, whole, and waits as long as the functions may
 * take. It has no throttle, no keys and no IAM: for those there is InferenceApi.
 *
 * @example
 * new InferenceLoadBalancer(this, 'Models', { functions: { iris, ocr }, vpc, clients: [shop] });
 */
export class InferenceLoadBalancer extends Construct {
  readonly loadBalancer: ApplicationLoadBalancer;
  readonly listener: ApplicationListener;
  /** Without a slash at its end: `<url>/iris/v2/health/ready`. */
  readonly url: string;

  /** @throws GlowplugError CONFIG_INVALID for a name that no path has, a function that streams, HTTP beyond the VPC */
  constructor(scope: Construct, id: string, props: InferenceLoadBalancerProps) {
    super(scope, id);
    const { domain, internetFacing = false, accessLog } = props;
    mustBeNamed(props.functions, 'a load balancer');
    if (internetFacing && !domain) {
      throw new GlowplugError('CONFIG_INVALID', 'expected a domain with a certificate for internetFacing, got none', {
        remedy: 'Give the load balancer a domain, or leave it inside the VPC.',
      });
    }
    // CDK's own classes are not written for exactOptionalPropertyTypes: a Vpc has what an IVpc has.
    this.loadBalancer = new ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc: props.vpc as IVpc,
      internetFacing,
      dropInvalidHeaderFields: true,
      // A client's connection is silent for as long as the function works.
      idleTimeout: Duration.seconds(60 + longest(Object.values(props.functions))),
    });
    if (accessLog) this.loadBalancer.logAccessLogs(accessLog as IBucket);
    this.listener = this.loadBalancer.addListener('Listener', {
      protocol: domain ? ApplicationProtocol.HTTPS : ApplicationProtocol.HTTP,
      open: false,
      ...(domain ? { certificates: [domain.certificate], sslPolicy: SslPolicy.RECOMMENDED_TLS } : {}),
      defaultAction: ListenerAction.fixedResponse(404, {
        contentType: 'application/json',
        messageBody: JSON.stringify({ message: 'Not Found' }),
      }),
    });
    for (const client of props.clients) {
      this.loadBalancer.connections.allowFrom(client, Port.tcp(domain ? 443 : 80));
    }
    const priorities = prioritiesOf(Object.keys(props.functions));
    for (const [name, of] of Object.entries(props.functions)) this.#rule(priorities.get(name) ?? 1, name, of);
    if (domain?.hostedZone) {
      // With a dot at its end a name is whole: the zone's is not put behind it.
      const target = RecordTarget.fromAlias(new LoadBalancerTarget(this.loadBalancer));
      new ARecord(this, 'Record', { zone: domain.hostedZone, recordName: `${domain.name}.`, target });
    }
    this.url = domain ? `https://${domain.name}` : `http://${this.loadBalancer.loadBalancerDnsName}`;
    new CfnOutput(this, 'Url', { value: this.url, description: Object.keys(props.functions).join(', ') });
    this.#explain(accessLog !== undefined);
  }

  #rule(priority: number, name: string, of: InferenceFunction): void {
    // How a function knows that its own path comes after this.
    of.function.addEnvironment('GLOWPLUG_NAMED_ROUTES', '1');
    const group = new ApplicationTargetGroup(this, `Group-${name}`, {
      // Health checks stay off: each would be an invocation.
      targets: [functionTarget(of.target)],
      targetType: TargetType.LAMBDA,
      multiValueHeadersEnabled: true,
    });
    new ApplicationListenerRule(this, `Rule-${name}`, {
      listener: this.listener,
      priority,
      conditions: [ListenerCondition.pathPatterns([`/${name}`, `/${name}/*`])],
      action: ListenerAction.forward([group]),
    });
  }

  #explain(logged: boolean): void {
    if (!logged) {
      Validations.of(this.loadBalancer).acknowledge({
        id: 'AwsSolutions-ELB2',
        reason:
          "The app's owner gave no bucket for it: each request stands in the log of the function that answered it.",
      });
    }
    Validations.of(this.loadBalancer).acknowledge({
      id: 'AwsSolutions-EC23',
      reason: "Whom it lets in, the app's owner wrote down as its clients.",
    });
  }
}

/** By the name, not by its place: another function must not move the rules of those that are deployed, where each has its own. */
function prioritiesOf(names: readonly string[]): Map<string, number> {
  const taken = new Map<number, string>();
  for (const name of names.toSorted()) {
    let priority = 1 + (createHash('sha256').update(name).digest().readUInt32BE() % 50_000);
    while (taken.has(priority)) priority = 1 + (priority % 50_000);
    taken.set(priority, name);
  }
  return new Map([...taken].map(([priority, name]) => [name, priority]));
}

function longest(functions: readonly InferenceFunction[]): number {
  return Math.max(0, ...functions.map((each) => each.function.timeout?.toSeconds() ?? 0));
}
