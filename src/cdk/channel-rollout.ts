// A model's channel moves by shares without a deployment, watched as a deployment is: Step Functions around rolloutStep.
import { CfnOutput, Duration } from 'aws-cdk-lib';
import { type Alarm, CompositeAlarm, type IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  Choice,
  Condition,
  DefinitionBody,
  Fail,
  JsonPath,
  LogLevel,
  Pass,
  Result,
  StateMachine,
  Succeed,
  TaskInput,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { CallAwsService, LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { writeContract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { explainWildcard } from './explain.ts';
import { modelsOf } from './hosted.ts';
import type { InferenceFunction } from './inference-function.ts';
import type { ModelStore } from './model-store.ts';
import { opFunction } from './op-function.ts';

export interface ChannelRolloutProps {
  /** It follows the channel, with `split: { percent: 'rollout' }`. */
  readonly function: InferenceFunction;
  readonly store: ModelStore;
  /** What sends it back, such as the alarms of the function's Rollout; none may be composite. */
  readonly alarms: readonly (IAlarm | Alarm)[];
  /**
   * Models whose channels it may move.
   * @default those of the function
   */
  readonly models?: readonly string[];
  /** The channel of the version that is to come. @default candidate */
  readonly from?: string;
  /** The channel that moves. @default prod */
  readonly to?: string;
  /** Percent, rising; everything follows the last. @default [10, 50] */
  readonly steps?: readonly number[];
  /** How long each share is watched. @default 5 minutes */
  readonly watch?: Duration;
}

/**
 * Started with `{ "model": "rec" }` it gives rec:candidate 10 % of the requests, then 50 %, then moves rec:prod there; at an
 * alarm it takes everything back and fails. `{ "alias": { "from": "7", "to": "8" } }` moves the function's alias so.
 *
 * @example
 * new ChannelRollout(this, 'RecRollout', { function: ocr, store, alarms: rollout.alarms });
 */
export class ChannelRollout extends Construct {
  readonly stateMachine: StateMachine;
  readonly step: LambdaFunction;

  /** @throws GlowplugError CONFIG_INVALID for a rollout that nothing would stop, or by what cannot be looked at */
  constructor(scope: Construct, id: string, props: ChannelRolloutProps) {
    super(scope, id);
    const { function: of, store, alarms, from = 'candidate', to = 'prod', steps = [10, 50], watch } = props;
    if (alarms.length === 0) {
      throw new GlowplugError('CONFIG_INVALID', 'expected at least one alarm that sends a rollout back, got none', {
        remedy: 'Hand in the alarms of new Rollout(…), or your own.',
      });
    }
    // DescribeAlarms tells of composite alarms only who may describe every alarm of the account.
    if (alarms.some((alarm) => alarm instanceof CompositeAlarm)) {
      throw new GlowplugError(
        'CONFIG_INVALID',
        'expected alarms on metrics, got a composite one, which cannot be looked at',
        {
          remedy: 'Hand in what it is made of, such as dashboard.slos(fn).availability.fastShort.',
        },
      );
    }
    const models = props.models ?? modelsOf(of.bundle);
    this.step = opFunction(this, 'Step', {
      op: 'rollout',
      description: `glowplug ${of.bundle.name}: one step of a rollout`,
      timeout: Duration.minutes(2),
      environment: writeContract({ store: store.location, stage: 'rollout' }),
      ...(of.root ? { root: of.root } : {}),
    });
    const { role } = this.step;
    if (role) {
      store.grantMove(role, models);
      if (of.alias) {
        role.addToPrincipalPolicy(
          new PolicyStatement({ actions: ['lambda:UpdateAlias'], resources: [of.function.functionArn] }),
        );
      }
    }
    const fixed = { from, to, steps, functionName: of.function.functionName, aliasName: of.alias?.aliasName ?? '' };
    this.stateMachine = this.#machine(fixed, alarms, watch ?? Duration.minutes(5));
    new CfnOutput(this, 'Arn', {
      value: this.stateMachine.stateMachineArn,
      description: `starts a rollout of ${models.join(', ')}: aws stepfunctions start-execution`,
    });
  }

  #machine(fixed: object, alarms: ChannelRolloutProps['alarms'], watch: Duration): StateMachine {
    const step = new LambdaInvoke(this, 'Shift', {
      lambdaFunction: this.step,
      payload: TaskInput.fromObject({ ...fixed, execution: JsonPath.objectAt('$') }),
      payloadResponseOnly: true,
      resultPath: '$.state',
    });
    const look = new CallAwsService(this, 'Look', {
      service: 'cloudwatch',
      action: 'describeAlarms',
      parameters: { AlarmNames: alarms.map(({ alarmName }) => alarmName) },
      iamResources: alarms.map(({ alarmArn }) => alarmArn),
      iamAction: 'cloudwatch:DescribeAlarms',
      resultSelector: {
        'names.$': "$.MetricAlarms[?(@.StateValue=='ALARM')].AlarmName",
      },
      resultPath: '$.alarms',
    });
    look.addRetry({ maxAttempts: 5 });
    const done = new Choice(this, 'Whether')
      .when(
        Condition.stringEquals('$.state.status', 'shifting'),
        new Wait(this, 'Watch', { time: WaitTime.duration(watch) }).next(look),
      )
      .when(Condition.stringEquals('$.state.status', 'done'), new Succeed(this, 'Done'))
      .otherwise(new Fail(this, 'WentBack', { error: 'WentBack', cause: 'An alarm was on. Everything is as it was.' }));
    // A look that fails must not leave a share behind that nobody watches.
    const blind = new Pass(this, 'Blind', {
      result: Result.fromObject({ names: ['the alarms could not be read'] }),
      resultPath: '$.alarms',
    });
    look.addCatch(blind, { resultPath: '$.failure' });
    blind.next(step);
    const begin = new Pass(this, 'Begin', {
      result: Result.fromObject({ status: 'new', percent: 0 }),
      resultPath: '$.state',
    });
    const machine = new StateMachine(this, 'Machine', {
      definitionBody: DefinitionBody.fromChainable(begin.next(look).next(step).next(done)),
      timeout: Duration.days(1),
      tracingEnabled: true,
      logs: {
        destination: new LogGroup(this, 'MachineLogs', { retention: RetentionDays.ONE_MONTH }),
        level: LogLevel.ALL,
      },
    });
    explainWildcard(
      machine.role,
      `${this.step.functionArn}:*`,
      'The state machine invokes its step, whichever version.',
    );
    explainWildcard(machine.role, '*', 'Step Functions asks for * to deliver logs, and X-Ray has no resources.');
    return machine;
  }
}
