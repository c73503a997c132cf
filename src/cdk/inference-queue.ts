// A queue before a function: what waits in it meets in the model's batcher, what cannot be answered lands in its
// dead-letter queue, and answers are written to a bucket, each once.
import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { writeContract } from '../core/contract.ts';
import { createOnceBucket } from './create-once-bucket.ts';
import { explainAtSynth } from './explain.ts';

export interface InferenceQueueProps {
  /**
   * Records that one invocation takes, 1 to 10,000; over 10 they need a window.
   * @default 10
   */
  readonly batchSize?: number;
  /**
   * How long a batch that is not full waits for more.
   * @default not at all
   */
  readonly maxBatchingWindow?: Duration;
  /**
   * Invocations at once, 2 to 1,000.
   * @default as many as Lambda allows
   */
  readonly maxConcurrency?: number;
  /**
   * How often a record is tried before it goes to the dead-letter queue. It is tried in vain, too, when the environment
   * of its batch dies or is throttled: fewer than 5 send good records there.
   * @default 5
   */
  readonly maxReceiveCount?: number;
  /**
   * Records of one message group are answered in their order.
   * @default false
   */
  readonly fifo?: boolean;
  /**
   * A queue that is told of each result, at least once.
   * @default none
   */
  readonly resultQueue?: IQueue;
  /**
   * How long results are kept. Longer than a record can come again, which is 14 days.
   * @default 30 days
   */
  readonly keepResults?: Duration;
}

/**
 * What `queue` of an InferenceFunction makes.
 *
 * @example
 * new InferenceFunction(this, 'Ocr', { entry, store, queue: { batchSize: 100, maxBatchingWindow: Duration.seconds(1) } });
 */
export class InferenceQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;
  /** On while requests that could not be answered wait in the dead-letter queue. */
  readonly unanswered: Alarm;
  readonly results: Bucket;
  /** `s3://<bucket>/results`: what GLOWPLUG_RESULTS holds. */
  readonly location: string;

  constructor(
    scope: Construct,
    id: string,
    props: InferenceQueueProps & {
      /** Of the function, for people. */
      readonly name: string;
      readonly function: LambdaFunction;
      /** What takes the records: the function, or its alias. */
      readonly target: IFunction;
      readonly timeout: Duration;
    },
  ) {
    super(scope, id);
    const { maxBatchingWindow, maxConcurrency, resultQueue } = props;
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, ...(props.fifo ? { fifo: true } : {}) };
    this.deadLetterQueue = new Queue(this, 'DeadLetters', { ...common, retentionPeriod: Duration.days(14) });
    this.queue = new Queue(this, 'Queue', {
      ...common,
      // AWS's advice: six timeouts, so that a throttled batch can be tried again, and the window.
      visibilityTimeout: Duration.seconds(6 * props.timeout.toSeconds() + (maxBatchingWindow?.toSeconds() ?? 0)),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: props.maxReceiveCount ?? 5 },
    });
    this.unanswered = new Alarm(this, 'Unanswered', {
      metric: this.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: 'Maximum',
      }),
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      alarmDescription: `${props.name}: requests of its queue could not be answered: its log says why; mend it, then redrive the dead-letter queue`,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    this.results = createOnceBucket(this, 'Results', {
      once: ['*'],
      unlogged:
        'Only the function writes here, once a message, and its log has a line for whatever it could not write.',
      lifecycleRules: [{ id: 'old-results', expiration: props.keepResults ?? Duration.days(30) }],
    });
    this.location = `s3://${this.results.bucketName}/results`;
    props.target.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: props.batchSize ?? 10,
        // Without it one failed record would bring its whole batch back, or a reported failure would be lost.
        reportBatchItemFailures: true,
        ...(maxBatchingWindow ? { maxBatchingWindow } : {}),
        ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
      }),
    );
    this.#letWrite(props.function);
    resultQueue?.grant(props.function, 'sqs:SendMessage');
    this.queue.grant(props.function, 'sqs:SendMessage');
    const environment = writeContract({
      results: this.location,
      queue: this.queue.queueUrl,
      resultQueue: resultQueue?.queueUrl,
    });
    for (const [name, value] of Object.entries(environment)) props.function.addEnvironment(name, value);
  }

  #letWrite({ role }: LambdaFunction): void {
    const written = this.results.arnForObjects('results/*');
    const policy = new Policy(this, 'WriteResults', {
      statements: [new PolicyStatement({ actions: ['s3:PutObject', 's3:GetObject'], resources: [written] })],
    });
    role?.attachInlinePolicy(policy);
    explainAtSynth(policy, () => [written], 'Results are named by the ids of messages, which nobody knows before.');
  }
}
