// API Gateway before an endpoint's load balancer: who may ask is said there, and a link is the one way in.
import type { DomainName, HttpApi, HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { VpcLink } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpAlbIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { type IVpc, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { ApplicationListener, ApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { type ApiAuth, authorizerOf } from './api-auth.ts';
import { apiMethods, grantPaths } from './api-paths.ts';
import { type ApiStageProps, apiStage } from './api-stage.ts';

export interface EndpointApiProps extends ApiStageProps {
  /**
   * Who may ask: whoever IAM allows, has a key or has a token. The API says so, so that nobody else wakes an endpoint.
   * @default iam
   */
  readonly auth?: Exclude<ApiAuth, 'none'>;
}

interface Behind {
  readonly vpc: IVpc;
  readonly loadBalancer: ApplicationLoadBalancer;
  readonly listener: ApplicationListener;
  readonly root: string;
}

/**
 * An HTTP API. It takes requests of at most 10 MB, sends an answer whole, of at most 10 MB, and waits 30 seconds for it.
 *
 * API Gateway takes away a link that carried nothing for 60 days. It is back some minutes after the next request, which fails.
 */
export class EndpointApi extends Construct {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly domainName: DomainName | undefined;
  readonly accessLog: LogGroup;
  /** Without a slash at its end: `<url>/v2/health/ready`. */
  readonly url: string;
  readonly vpcLink: VpcLink;
  /** Of an API that asks for a key. */
  readonly apiKeys: ISecret | Secret | undefined;

  constructor(
    scope: Construct,
    id: string,
    { vpc, loadBalancer, listener, root, ...props }: EndpointApiProps & Behind,
  ) {
    super(scope, id);
    const made = apiStage(this, props);
    ({
      api: this.api,
      stage: this.stage,
      domainName: this.domainName,
      accessLog: this.accessLog,
      url: this.url,
    } = made);
    const securityGroup = new SecurityGroup(this, 'LinkGroup', {
      vpc,
      description: 'from the API to the load balancer and nowhere else',
      allowAllOutbound: false,
    });
    loadBalancer.connections.allowFrom(securityGroup, Port.tcp(80));
    this.vpcLink = new VpcLink(this, 'Link', { vpc, securityGroups: [securityGroup] });
    const integration = new HttpAlbIntegration('Targets', listener, { vpcLink: this.vpcLink });
    const { authorizer, keys } = authorizerOf(this, props.auth ?? 'iam', root);
    this.apiKeys = keys?.secret;
    for (const path of ['/', '/{proxy+}']) {
      this.api.addRoutes({ path, methods: apiMethods, integration, authorizer });
    }
  }

  /** By IAM, or by a key that it may then read. Who lets in by tokens is their issuer's matter. */
  grantInvoke(grantee: IGrantable): void {
    if (this.apiKeys) this.apiKeys.grantRead(grantee);
    else grantPaths(this.api, grantee, ['/*'], 'All paths of this API are one endpoint.');
  }
}
