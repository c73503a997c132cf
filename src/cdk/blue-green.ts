// Deployments of an endpoint whose targets always run: the new ones beside the old, tried first, and back at once.
import { Duration, Validations } from 'aws-cdk-lib';
import { type IVpc, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  AlternateTarget,
  DeploymentLifecycleLambdaTarget,
  DeploymentLifecycleStage,
  type FargateService,
  type IEcsLoadBalancerTarget,
  ListenerRuleConfiguration,
} from 'aws-cdk-lib/aws-ecs';
import {
  type ApplicationListener,
  ApplicationListenerRule,
  type ApplicationLoadBalancer,
  ApplicationProtocol,
  type ApplicationTargetGroup,
  ListenerAction,
  ListenerCondition,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { PackedSample } from '../ops/golden/try-samples.ts';
import { explainWildcard } from './explain.ts';
import { opFunction } from './op-function.ts';

export interface BlueGreenProps {
  /** Of the function. */
  readonly name: string;
  readonly vpc: IVpc;
  readonly service: FargateService;
  readonly loadBalancer: ApplicationLoadBalancer;
  readonly listener: ApplicationListener;
  /** Both alike; ECS changes their parts with each deployment. */
  readonly groups: readonly [ApplicationTargetGroup, ApplicationTargetGroup];
  /** What new targets must answer before they get requests. @default nothing */
  readonly sample?: PackedSample | undefined;
  /** Which the endpoint asks for. @default none */
  readonly apiKeys?: ISecret | undefined;
  readonly root: string;
}

export class BlueGreen extends Construct {
  /** What the first of the groups is given. */
  readonly target: IEcsLoadBalancerTarget;
  /** Tries the golden sample; undefined where there is none. */
  readonly hook: LambdaFunction | undefined;

  constructor(scope: Construct, id: string, props: BlueGreenProps) {
    super(scope, id);
    const { service, listener, groups, sample } = props;
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('ecs.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('AmazonECSInfrastructureRolePolicyForLoadBalancers')],
    });
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers]',
      reason: 'AWS’s own policy for what ECS does with a load balancer, and what its documentation asks for.',
    });
    const testing = sample && this.#test(sample, props);
    this.hook = testing?.hook;
    this.target = service.loadBalancerTarget({
      containerName: 'server',
      alternateTarget: new AlternateTarget('Other', {
        alternateTargetGroup: groups[1],
        productionListener: ListenerRuleConfiguration.applicationListenerRule(shifted(this, 'Rule', listener, groups)),
        ...(testing ? { testListener: ListenerRuleConfiguration.applicationListenerRule(testing.rule) } : {}),
        role,
      }),
    });
  }

  /** The test listener, and the hook that alone may reach it. */
  #test(sample: PackedSample, { name, vpc, service, loadBalancer, groups, apiKeys, root }: BlueGreenProps) {
    const listener = loadBalancer.addListener('TestListener', {
      protocol: ApplicationProtocol.HTTP,
      port: testPort,
      open: false,
      defaultAction: ListenerAction.fixedResponse(404),
    });
    const securityGroup = new SecurityGroup(this, 'HookGroup', {
      vpc,
      description: 'from the hook to the test listener',
      allowAllOutbound: false,
    });
    loadBalancer.connections.allowFrom(securityGroup, Port.tcp(testPort));
    const hook = opFunction(this, 'Hook', {
      op: 'golden-endpoint',
      description: `glowplug ${name}: the golden sample against new targets`,
      timeout: Duration.minutes(5),
      environment: {
        GLOWPLUG_HOOK_TARGET: `http://${loadBalancer.loadBalancerDnsName}:${testPort}`,
        ...(apiKeys ? { GLOWPLUG_API_KEYS_SECRET: apiKeys.secretArn } : {}),
      },
      files: { 'samples.json': JSON.stringify([sample]) },
      network: { vpc, securityGroup },
      root,
    });
    if (apiKeys) {
      apiKeys.grantRead(hook);
      securityGroup.connections.allowToAnyIpv4(Port.tcp(443), 'Secrets Manager');
    }
    const role = new Role(this, 'Invoker', { assumedBy: new ServicePrincipal('ecs.amazonaws.com') });
    hook.grantInvoke(role);
    explainWildcard(role, `${hook.functionArn}:*`, 'ECS invokes the hook, whichever of its versions.');
    service.addLifecycleHook(
      new DeploymentLifecycleLambdaTarget(hook, 'Golden', {
        role,
        lifecycleStages: [DeploymentLifecycleStage.POST_TEST_TRAFFIC_SHIFT],
      }),
    );
    // Before its policy is there, ECS may not invoke the hook, and takes the deployment back.
    service.node.addDependency(role);
    return { hook, rule: shifted(this, 'TestRule', listener, groups) };
  }
}

/**
 * A rule whose weights ECS moves from then on. Nothing that can be chosen is part of it: CloudFormation would move them back.
 */
function shifted(
  scope: Construct,
  id: string,
  listener: ApplicationListener,
  [now, next]: BlueGreenProps['groups'],
): ApplicationListenerRule {
  return new ApplicationListenerRule(scope, id, {
    listener,
    // The waker's are 1 and 2: an endpoint may be given a first target, and lose it, without one in the way.
    priority: 3,
    conditions: [ListenerCondition.pathPatterns(['/*'])],
    action: ListenerAction.weightedForward([
      { targetGroup: now, weight: 1 },
      { targetGroup: next, weight: 0 },
    ]),
  });
}

const testPort = 8081;
