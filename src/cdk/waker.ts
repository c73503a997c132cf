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
  /** Of the function: whatever it is asked it answers 503. */
  readonly group: ApplicationTargetGroup;
  /** Asleep it matches every path, awake none that a client asks for; the waker moves it, and `large` with it. */
  readonly rule: ApplicationListenerRule;
  /** Before it: bodies that a load balancer hands no function, and would refuse with 413. Their sender is told to come back, too. */
  readonly large: ApplicationListenerRule;

  constructor(scope: Construct, id: string, { cluster, service, listener, root }: WakerProps) {
    super(scope, id);
    this.function = opFunction(this, 'Function', {
      op: 'waker',
      description: 'glowplug: answers while an endpoint is asleep, and wakes it',
      timeout: Duration.seconds(30),
      root,
    });
    this.group = new ApplicationTargetGroup(this, 'Group', { targets: [functionTarget(this.function)] });
    const everything = ListenerCondition.pathPatterns(['/*']);
    this.large = new ApplicationListenerRule(this, 'Large', {
      listener,
      priority: 1,
      conditions: [everything, ListenerCondition.httpHeader(largeBody.header, [...largeBody.values])],
      action: ListenerAction.fixedResponse(503, {
        contentType: 'application/json',
        messageBody: JSON.stringify(asleep),
      }),
    });
    this.rule = new ApplicationListenerRule(this, 'Rule', {
      listener,
      priority: 2,
      conditions: [everything],
      action: ListenerAction.forward([this.group]),
    });
    const rules = [{ arn: this.large.listenerRuleArn, ...largeBody }, { arn: this.rule.listenerRuleArn }];
    const { serviceName } = service;
    const wakes = { cluster: cluster.clusterName, service: serviceName };
    this.function.addEnvironment('GLOWPLUG_WAKES', JSON.stringify(wakes));
    this.function.addToRolePolicy(
      new PolicyStatement({ actions: ['ecs:DescribeServices', 'ecs:UpdateService'], resources: [service.serviceArn] }),
    );
    // A policy beside the role: the rule needs the function, so that the function may not wait for what names the rule.
    const moveRule = new Policy(this, 'MoveRule', {
      statements: [
        new PolicyStatement({ actions: ['elasticloadbalancing:ModifyRule'], resources: rules.map(({ arn }) => arn) }),
      ],
    });
    if (this.function.role) moveRule.attachToRole(this.function.role);
    const targets = [new FunctionTarget(this.function, { event: RuleTargetInput.fromObject({ rules }) })];
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

/**
 * From 700,000 bytes: a function is handed at most 1 MB, in which a body of bytes is a third longer. A rule has at most five values.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
 */
const largeBody = { header: 'content-length', values: ['7?????', '8?????', '9?????', '???????*'] };

/** As the waker says it, but for Retry-After, which a fixed response cannot have. */
const asleep = {
  error: 'The endpoint had nothing to do and is starting.',
  code: 'SERVER_BUSY',
  remedy: 'Try again in half a minute.',
};
