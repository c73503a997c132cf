// Keeps what a function captures, and looks every hour whether it is still what the function was released for.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CfnOutput, Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';
import { parseBaseline } from '../quality/baseline.ts';
import { createOnceBucket } from './create-once-bucket.ts';
import { explainAtSynth } from './explain.ts';
import type { InferenceFunction } from './inference-function.ts';
import { opFunction } from './op-function.ts';

export interface QualityMonitorProps {
  /** It has `capture`, and baseline.json beside it, which `glowplug baseline` makes. */
  readonly function: InferenceFunction;
  /** @default 24 hours */
  readonly window?: Duration;
  /** @default every hour */
  readonly every?: Duration;
  /** After so long, captured requests, labels and reports are deleted. @default 30 days */
  readonly keep?: Duration;
  /**
   * An alarm is on when the live accuracy is, in 95 of 100 cases, under this: 0 to 1.
   * @default no such alarm; drift has one always
   */
  readonly accuracyAtLeast?: number;
}

/**
 * Without a baseline it only keeps what is captured: that is how the first one is made.
 *
 * @example
 * const spam = new InferenceFunction(this, 'Spam', { entry: 'functions/spam/function.ts', store });
 * new QualityMonitor(this, 'SpamQuality', { function: spam, accuracyAtLeast: 0.95 });
 */
export class QualityMonitor extends Construct {
  readonly function: InferenceFunction;
  /** `captured/`, `truth/` and `reports/`, each with a folder for the function. */
  readonly bucket: Bucket;
  /** `s3://<bucket>`: what `glowplug quality --kept` takes. */
  readonly location: string;
  /** The job; undefined without a baseline. */
  readonly job: LambdaFunction | undefined;
  /** Drift, then accuracy where it was asked for; none without a baseline. */
  readonly alarms: readonly Alarm[];
  /** On when the job fails, and so says nothing of drift; undefined without a baseline. */
  readonly failing: Alarm | undefined;

  /** @throws GlowplugError CONFIG_INVALID for a baseline that is none, or accuracy without a prediction to hold against labels */
  constructor(scope: Construct, id: string, props: QualityMonitorProps) {
    super(scope, id);
    const { function: of, every = Duration.hours(1), window = Duration.hours(24), accuracyAtLeast } = props;
    const { name } = of.bundle;
    this.function = of;
    this.bucket = createOnceBucket(this, 'Kept', {
      once: ['*'],
      unlogged:
        'Only the function and the job write here, each under its own prefix; who reads is in CloudTrail’s data events where those are on.',
      lifecycleRules: [{ id: 'old', expiration: props.keep ?? Duration.days(30) }],
    });
    this.location = `s3://${this.bucket.bucketName}`;
    new CfnOutput(this, 'Location', { value: this.location, description: `glowplug quality ${name} --kept` });
    of.function.addEnvironment('GLOWPLUG_CAPTURE', `${this.location}/captured/${name}`);
    this.#allow('WriteCaptured', of.function, ['s3:PutObject'], `captured/${name}/*`);

    const file = join(dirname(of.entry), 'baseline.json');
    const baseline = existsSync(file) ? parseBaseline(readFileSync(file, 'utf8'), file) : undefined;
    if (accuracyAtLeast !== undefined && baseline?.prediction === undefined) {
      throw new GlowplugError(
        'CONFIG_INVALID',
        `expected a prediction in ${file}, to hold against labels; found none`,
        {
          remedy: `glowplug baseline ${name} --prediction <feature>.`,
        },
      );
    }
    if (!baseline) {
      this.alarms = [];
      return;
    }
    this.job = opFunction(this, 'Job', {
      op: 'quality',
      runsAs: `${name}-quality`,
      description: `glowplug ${name}: what it is asked now beside its baseline`,
      timeout: Duration.minutes(5),
      environment: { GLOWPLUG_STORE: this.location },
      files: { 'watched.json': JSON.stringify({ function: name, hours: window.toHours(), baseline }) },
      ...(of.root ? { root: of.root } : {}),
    });
    this.#allow('ReadCaptured', this.job, ['s3:GetObject'], `captured/${name}/*`, `truth/${name}/*`);
    this.#allow('WriteReports', this.job, ['s3:PutObject'], `reports/${name}/*`);
    this.#allowList(this.job);
    new Rule(this, 'Every', {
      schedule: Schedule.rate(every),
      description: `looks whether ${name} is asked what it was released for`,
      targets: [new FunctionTarget(this.job)],
    });
    this.failing = new Alarm(this, 'Failing', {
      metric: this.job.metricErrors({ period: every }),
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      alarmDescription: `${name}: its quality could not be looked at: read the job's log`,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    this.alarms = [
      this.#alarm('Drift', this.job, every, {
        metric: 'Drifting',
        threshold: 0,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        alarmDescription: `${name}: what it is asked is not what it was released for: glowplug quality ${name}`,
      }),
      ...(accuracyAtLeast === undefined
        ? []
        : [
            this.#alarm('Accuracy', this.job, every, {
              metric: 'AccuracyAtMost',
              threshold: accuracyAtLeast,
              comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
              alarmDescription: `${name}: right less often than in ${accuracyAtLeast * 100} % of the requests that were labelled`,
            }),
          ]),
    ];
  }

  /** Twice in a row: one window with few records is no alarm. */
  #alarm(
    id: string,
    { functionName: FunctionName }: LambdaFunction,
    period: Duration,
    {
      metric,
      ...rule
    }: {
      readonly metric: string;
      readonly threshold: number;
      readonly comparisonOperator: ComparisonOperator;
      readonly alarmDescription: string;
    },
  ): Alarm {
    return new Alarm(this, id, {
      ...rule,
      metric: new Metric({
        namespace: 'glowplug',
        metricName: metric,
        dimensionsMap: { FunctionName },
        statistic: 'Maximum',
        period,
      }),
      evaluationPeriods: 2,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  #allow(id: string, { role }: LambdaFunction, actions: string[], ...keys: string[]): void {
    const resources = keys.map((key) => this.bucket.arnForObjects(key));
    const policy = new Policy(this, id, { statements: [new PolicyStatement({ actions, resources })] });
    role?.attachInlinePolicy(policy);
    explainAtSynth(policy, () => resources, 'Named by the hour and the ids of requests, which nobody knows before.');
  }

  #allowList({ role }: LambdaFunction): void {
    const policy = new Policy(this, 'ListCaptured', {
      statements: [new PolicyStatement({ actions: ['s3:ListBucket'], resources: [this.bucket.bucketArn] })],
    });
    role?.attachInlinePolicy(policy);
  }
}
