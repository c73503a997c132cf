// A new version of a function comes in by CodeDeploy's canary, tried before and watched while: at the first alarm it goes.
import { Duration, Validations } from 'aws-cdk-lib';
import type { Alarm, IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import {
  type ILambdaDeploymentConfig,
  LambdaDeploymentConfig,
  LambdaDeploymentGroup,
} from 'aws-cdk-lib/aws-codedeploy';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';
import { type AlarmRule, errorRule } from '../observe/alarm-rule.ts';
import { errorAlarm, latencyAlarm } from './error-alarm.ts';
import { explainWildcard } from './explain.ts';
import { goldenSample } from './golden-sample.ts';
import type { InferenceFunction } from './inference-function.ts';
import { opFunction } from './op-function.ts';

export interface RolloutProps {
  /** It must have an alias. */
  readonly function: InferenceFunction;
  /** @default LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES */
  readonly config?: ILambdaDeploymentConfig;
  /** @default over 2 % of at least 20 requests, in one minute */
  readonly errors?: AlarmRule;
  /**
   * What one of a hundred requests may take.
   * @default half of the function's timeout
   */
  readonly latency?: Duration;
  /**
   * More that ends a rollout, such as an alarm on the quality of the answers.
   * @default none
   */
  readonly alarms?: readonly (IAlarm | Alarm)[];
  /**
   * Whether the new version must first answer the request.* that lies beside the function as its answer.golden.json says.
   * @default true where both lie there
   */
  readonly golden?: boolean;
}

/**
 * 10 % for five minutes, then all; back at once when an alarm is on.
 *
 * @example
 * const ocr = new InferenceFunction(this, 'Ocr', { entry: 'functions/ocr/function.ts', store, alias: 'live' });
 * new Rollout(this, 'OcrRollout', { function: ocr });
 */
export class Rollout extends Construct {
  readonly deploymentGroup: LambdaDeploymentGroup;
  /** Errors, latency, then those that were handed in. */
  readonly alarms: readonly IAlarm[];
  /** Tries the golden samples before the first request; undefined where there are none. */
  readonly hook: LambdaFunction | undefined;

  /** @throws GlowplugError CONFIG_INVALID for a function without an alias, or without the samples that were asked for */
  constructor(scope: Construct, id: string, props: RolloutProps) {
    super(scope, id);
    const { function: of, errors = errorRule, latency, alarms = [] } = props;
    const { alias, bundle } = of;
    if (!alias) {
      throw new GlowplugError('CONFIG_INVALID', `expected function ${bundle.name} to have an alias, it has none`, {
        remedy: `new InferenceFunction(…, { alias: 'live' }): a rollout shifts the weights of an alias.`,
      });
    }
    const half = Duration.millis((of.function.timeout ?? Duration.seconds(30)).toMilliseconds() / 2);
    this.alarms = [
      errorAlarm(this, 'Errors', of, errors),
      latencyAlarm(this, 'Latency', of, latency ?? half),
      ...alarms,
      // CDK's Alarm is not written for exactOptionalPropertyTypes: it has what an IAlarm has.
    ] as IAlarm[];
    this.deploymentGroup = new LambdaDeploymentGroup(this, 'Group', {
      alias,
      deploymentConfig: props.config ?? LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
      alarms: [...this.alarms],
    });
    const { role } = this.deploymentGroup;
    if (role) {
      Validations.of(role).acknowledge({
        id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited]',
        reason: 'AWS’s own policy for this very service: it may move aliases and read alarms, and cannot be narrower.',
      });
    }
    this.hook = this.#hook(of, props.golden);
    if (!this.hook) return;
    this.deploymentGroup.addPreHook(this.hook);
    if (role)
      explainWildcard(role, `${this.hook.functionArn}:*`, 'CodeDeploy invokes the hook, whichever of its versions.');
  }

  #hook(of: InferenceFunction, wanted: boolean | undefined): LambdaFunction | undefined {
    const { bundle } = of;
    const sample = goldenSample(of.entry, bundle.name, wanted);
    if (!sample) return undefined;
    const { currentVersion } = of.function;
    const hook = opFunction(this, 'Hook', {
      op: 'golden',
      description: `glowplug ${bundle.name}: the golden samples against a new version`,
      timeout: Duration.minutes(5),
      environment: { GLOWPLUG_HOOK_TARGET: currentVersion.functionArn },
      files: { 'samples.json': JSON.stringify([sample]) },
      ...(of.root ? { root: of.root } : {}),
    });
    currentVersion.grantInvoke(hook);
    return hook;
  }
}
