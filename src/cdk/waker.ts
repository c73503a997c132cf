// What wakes an endpoint: a rule of its listener that leads to a small function while no target runs.
import { Duration } from 'aws-cdk-lib';
import type { FargateService, ICluster } from 'aws-cdk-lib/aws-ecs';
import {
  type ApplicationListener,
  ApplicationListenerRule,
  ApplicationTargetGroup,
  ListenerAction,
  ListenerCondition,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { functionTarget } from './function-target.ts';
import { opFunction } from './op-function.ts';

export interface WakerProps {
  readonly cluster: ICluster;
  readonly service: FargateService;
  readonly listener: ApplicationListener;
  readonly root: string;
}

export class Waker extends Construct {
  readonly function: LambdaFunction;
  /** Asleep it matches every path, awake none that a client asks for; the waker moves it. */
  readonly rule: ApplicationListenerRule;

  constructor(scope: Construct, id: string, { cluster, service, listener, root }: WakerProps) {
    super(scope, id);
    this.function = opFunction(this, 'Function', {
      op: 'waker',
      description: 'glowplug: answers while an endpoint is asleep, and wakes it',
      timeout: Duration.seconds(30),
      root,
    });
    const group = new ApplicationTargetGroup(this, 'Group', { targets: [functionTarget(this.function)] });
    this.rule = new ApplicationListenerRule(this, 'Rule', {
      listener,
      priority: 1,
      conditions: [ListenerCondition.pathPatterns(['/*'])],
      action: ListenerAction.forward([group]),
    });
    const { serviceName } = service;
    const wakes = { cluster: cluster.clusterName, service: serviceName };
    this.function.addEnvironment('GLOWPLUG_WAKES', JSON.stringify(wakes));
    this.function.addToRolePolicy(
      new PolicyStatement({ actions: ['ecs:DescribeServices', 'ecs:UpdateService'], resources: [service.serviceArn] }),
    );
    // A policy beside the role: the rule needs the function, so that the function may not wait for what names the rule.
    const moveRule = new Policy(this, 'MoveRule', {
      statements: [
        new PolicyStatement({ actions: ['elasticloadbalancing:ModifyRule'], resources: [this.rule.listenerRuleArn] }),
      ],
    });
    if (this.function.role) moveRule.attachToRole(this.function.role);
    const targets = [
      new FunctionTarget(this.function, { event: RuleTargetInput.fromObject({ rule: this.rule.listenerRuleArn }) }),
    ];
    new Rule(this, 'Now', {
      description: 'an event of the endpoint may have been lost',
      schedule: Schedule.rate(Duration.minutes(5)),
      targets,
    });
    new Rule(this, 'TaskChanged', {
      description: 'a target of the endpoint began or ended',
      eventPattern: {
        source: ['aws.ecs'],
        detailType: ['ECS Task State Change'],
        detail: {
          clusterArn: [cluster.clusterArn],
          group: [`service:${serviceName}`],
          lastStatus: ['RUNNING', 'STOPPED'],
        },
      },
      targets,
    });
  }
}
