// Every object of a bucket through a function: Step Functions lists, batches and retries; the function reads, answers and writes.
import { CfnElement, Duration } from 'aws-cdk-lib';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Bucket, IBucket } from 'aws-cdk-lib/aws-s3';
import {
  DefinitionBody,
  DistributedMap,
  Errors,
  ItemBatcher,
  JsonPath,
  LogLevel,
  ResultWriterV2,
  S3ObjectsItemReader,
  StateMachine,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { STEPFUNCTIONS_USE_DISTRIBUTED_MAP_RESULT_WRITER_V2 } from 'aws-cdk-lib/cx-api';
import { Construct } from 'constructs';
import { createOnceBucket } from './create-once-bucket.ts';
import { explainAtSynth } from './explain.ts';
import type { InferenceFunction } from './inference-function.ts';

export interface BatchTransformProps {
  readonly function: InferenceFunction;
  /** Where the objects are; the prefix is a folder. A bucket with a key of its own lets the function decrypt. */
  readonly from: { readonly bucket: IBucket | Bucket; readonly prefix?: string };
  /**
   * Folder of the bucket `results` for this run's answers. Another one begins anew; the same one goes on.
   * @default the construct's id
   */
  readonly name?: string;
  /**
   * Objects of one invocation, which meet in the models' batches. All must be answered within the function's timeout, and fit
   * into its memory.
   * @default 16
   */
  readonly batchSize?: number;
  /**
   * Invocations at once.
   * @default 10
   */
  readonly maxConcurrency?: number;
  /**
   * How often a batch is tried again in which something was throttled, timed out or broke.
   * @default 5
   */
  readonly retries?: number;
  /**
   * Percent of batches that may fail as a whole, as where an object ends its environment, before the rest is given up.
   * @default 10
   */
  readonly toleratedFailures?: number;
  /**
   * Where the function is asked, such as `/v2/models/iris/infer`.
   * @default /
   */
  readonly path?: string;
  /**
   * Of every object.
   * @default by the ending of its name
   */
  readonly contentType?: string;
}

/**
 * Started with no input, it has written `<name>/results/<key>` or `<name>/failures/<key>.json` for every object when it ends, and
 * which batches failed in `<name>/batches/`. Started again it asks only for what has neither.
 *
 * @example
 * new BatchTransform(this, 'Scans', { function: ocr, from: { bucket: scans, prefix: '2026/' } });
 */
export class BatchTransform extends Construct {
  readonly stateMachine: StateMachine;
  readonly results: Bucket;

  constructor(scope: Construct, id: string, props: BatchTransformProps) {
    super(scope, id);
    // Without it CDK takes no V2 writer, and the other one is deprecated.
    this.node.setContext(STEPFUNCTIONS_USE_DISTRIBUTED_MAP_RESULT_WRITER_V2, true);
    const { name = id, retries = 5, from, path = '/', contentType } = props;
    const prefix = trimmed(from.prefix ?? '');
    // CDK's own classes are not written for exactOptionalPropertyTypes: a Bucket has what an IBucket has.
    const input = from.bucket as IBucket;
    this.results = createOnceBucket(this, 'Results', {
      // Step Functions writes batches/ without a condition.
      once: [`${name}/results/*`, `${name}/failures/*`],
      unlogged:
        'Only the function and the state machine write here, each object once; their logs say what they could not.',
    });
    const output = this.results as IBucket;
    const step = new LambdaInvoke(this, 'Answer', {
      lambdaFunction: props.function.target,
      payload: TaskInput.fromObject({
        transform: {
          from: location(input, prefix),
          to: location(output, name),
          path,
          ...(contentType === undefined ? {} : { contentType }),
          retries,
        },
        retry: JsonPath.numberAt('$$.State.RetryCount'),
        items: JsonPath.objectAt('$.Items'),
      }),
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
    });
    step.addRetry({
      errors: [Errors.ALL],
      maxAttempts: retries,
      interval: Duration.seconds(2),
      backoffRate: 2,
      maxDelay: Duration.minutes(1),
    });
    const under = prefix && `${prefix}/`;
    const map = new DistributedMap(this, 'Objects', {
      itemReader: new Lister({ bucket: input, ...(under ? { prefix: under } : {}) }),
      itemBatcher: new ItemBatcher({ maxItemsPerBatch: props.batchSize ?? 16 }),
      maxConcurrency: props.maxConcurrency ?? 10,
      toleratedFailurePercentage: props.toleratedFailures ?? 10,
      resultWriterV2: new Writer({ bucket: output, prefix: `${name}/batches` }),
    });
    map.itemProcessor(step);
    this.stateMachine = new StateMachine(this, 'Machine', {
      definitionBody: DefinitionBody.fromChainable(map),
      tracingEnabled: true,
      logs: {
        destination: new LogGroup(this, 'MachineLogs', { retention: RetentionDays.ONE_MONTH }),
        level: LogLevel.ALL,
      },
    });
    this.#letAnswer(props.function, input, under, name);
    this.#explain(props.function, name);
  }

  #letAnswer(of: InferenceFunction, from: IBucket, under: string, name: string): void {
    const written = ['results', 'failures'].map((each) => this.results.arnForObjects(`${name}/${each}/*`));
    const read = from.arnForObjects(`${under}*`);
    const policy = new Policy(this, 'Transform', {
      statements: [
        new PolicyStatement({ actions: ['s3:GetObject'], resources: [read] }),
        new PolicyStatement({ actions: ['s3:GetObject', 's3:PutObject'], resources: written }),
      ],
    });
    of.function.role?.attachInlinePolicy(policy);
    from.encryptionKey?.grantDecrypt(of.function);
    explainAtSynth(
      policy,
      () => [read, ...written],
      'Objects are named by whoever wrote them: the wildcard stays inside the prefixes of this transform.',
    );
  }

  /** What Step Functions asks for, as CDK words it. */
  #explain(of: InferenceFunction, name: string): void {
    const asked = () => {
      const { stack } = this.stateMachine;
      const self = this.stateMachine.node.defaultChild;
      const id = CfnElement.isCfnElement(self) ? stack.resolve(self.logicalId) : '';
      const executions = `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${JSON.stringify({
        'Fn::Select': [6, { 'Fn::Split': [':', { Ref: id }] }],
      })}`;
      return [
        '*',
        `${of.target.functionArn}:*`,
        this.results.arnForObjects(`${name}/batches/*`),
        `${executions}:*`,
        `${executions}/*:*`,
      ];
    };
    explainAtSynth(
      this.stateMachine,
      asked,
      'Logs and X-Ray have no resources; the rest stays at this function, its versions and this run’s folder.',
    );
  }
}

/** CDK's, but for what it may list: the prefix, and not the whole bucket. */
class Lister extends S3ObjectsItemReader {
  override providePolicyStatements(): PolicyStatement[] {
    const conditions = this.prefix ? { conditions: { StringLike: { 's3:prefix': `${this.prefix}*` } } } : {};
    return [new PolicyStatement({ actions: ['s3:ListBucket'], resources: [this.bucket.bucketArn], ...conditions })];
  }
}

/** CDK's, but for where it may write: the folder, and not the whole bucket. */
class Writer extends ResultWriterV2 {
  override providePolicyStatements(): PolicyStatement[] {
    if (!this.bucket) return [];
    const actions = ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'];
    return [new PolicyStatement({ actions, resources: [this.bucket.arnForObjects(`${this.prefix ?? ''}/*`)] })];
  }
}

function trimmed(prefix: string): string {
  return prefix.replace(/^\/+|\/+$/g, '');
}

function location(bucket: IBucket, prefix: string): string {
  return `s3://${bucket.bucketName}${prefix && `/${prefix}`}`;
}
