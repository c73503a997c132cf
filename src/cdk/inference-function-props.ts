// What an InferenceFunction can be told, and what it does untold.
import type { Duration } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { ICapacityProvider } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Architecture } from '../build/layer.ts';
import type { InferenceQueueProps } from './inference-queue.ts';
import type { ModelStore } from './model-store.ts';

export interface InferenceFunctionProps {
  /** The function's TypeScript, `functions/<name>/function.ts`; it exports `handler`. */
  readonly entry: string;
  /** Where its models are. Which ones they are is read from the code and pinned by models.lock.json. */
  readonly store: ModelStore;
  /**
   * Project that the function belongs to.
   * @default the nearest folder with a package.json, from the entry up
   */
  readonly root?: string;
  /**
   * x86_64 or arm64. Numbers differ between the two, so change it together with the golden answers; arm64 costs a fifth less.
   * @default x86_64, where most models are exported and their golden answers made
   */
  readonly architecture?: Architecture;
  /**
   * MB, 128 to 10240. Lambda gives processors in proportion.
   * @default 1769, which is one whole vCPU
   */
  readonly memorySize?: number;
  /** @default 30 seconds */
  readonly timeout?: Duration;
  /**
   * Name of the stage, for the function to read.
   * @default dev
   */
  readonly stage?: string;
  /**
   * References of the models, where the code computes them and they cannot be read from its text.
   * @default what the code spells out
   */
  readonly references?: readonly string[];
  /**
   * Requests come through an SQS queue too; their results are written to a bucket.
   * @default no queue
   */
  readonly queue?: InferenceQueueProps;
  /**
   * Requests and answers past Lambda's 6 MB travel through a bucket of its own, where nothing stays longer than a day. The
   * function's input still has its `maxBytes`.
   * @default false: they are refused
   */
  readonly largeBodies?: boolean;
  /**
   * Its URL sends the answer as it is made, up to 200 MB of it: for a predict that yields, with `encode: stream(…)`.
   * @default false: the whole answer at once, up to 6 MB
   */
  readonly streaming?: boolean;
  /**
   * Runs on Lambda Managed Instances: many requests at once in one environment, so that a model with `batch` runs them together.
   * @default default Lambda: one request at a time in each environment
   */
  readonly managedInstances?: ManagedInstances;
  /** @default one month */
  readonly logRetention?: RetentionDays;
  /**
   * Who may call the URL: whoever IAM allows, or everybody. For everybody, let the function or a middleware ask for a key.
   * @default iam
   */
  readonly auth?: 'iam' | 'none';
  /**
   * X-Ray traces.
   * @default true
   */
  readonly tracing?: boolean;
  /**
   * Name of an alias that the URL and the schedule use, such as `live`. Rollout shifts its weight between two versions.
   * @default none, or `live` with provisionedConcurrency: the URL answers with the newest code
   */
  readonly alias?: string;
  /**
   * Environments that are kept warm, paid by the second whether they are used or not.
   * @default none
   */
  readonly provisionedConcurrency?: number;
  /**
   * Environments at once, reserved and at most: the answer to a bill that must not grow.
   * @default what the account has left
   */
  readonly reservedConcurrency?: number;
  /**
   * How often one environment is asked whether it is ready, which loads its models. Lambda keeps an idle one for some
   * minutes: 5 minutes keep one warm, for some cents a month. Two requests at once still meet a cold start.
   * @default never
   */
  readonly warmEvery?: Duration;
  /**
   * The network it is attached to. A Vpc of this app is given a gateway endpoint for S3, which costs nothing, so that the
   * store is reached without a NAT gateway; one that is imported must have it.
   * @default no VPC, which is simpler, and from which S3 is reached
   */
  readonly vpc?: IVpc | Vpc;
  /** @default the private subnets */
  readonly vpcSubnets?: SubnetSelection;
  /** @default a new one that lets everything out and nothing in */
  readonly securityGroups?: readonly ISecurityGroup[];
}

export interface ManagedInstances {
  readonly capacityProvider: ICapacityProvider;
  /**
   * Requests at once in one environment.
   * @default Lambda's: 64 for each vCPU
   */
  readonly maxConcurrency?: number;
  /**
   * GiB of memory for each vCPU: 2, 4 or 8.
   * @default Lambda's: 2
   */
  readonly memoryGiBPerVCpu?: number;
  /**
   * Threads of the runtime, each with sessions of its own in an equal part of the memory. Requests meet within one. AWS's runtime
   * client sends one streamed answer at a time from each: with `streaming` have as many as answers at once.
   * @default 1: every request meets every other, and each model is in memory once
   */
  readonly workers?: number;
}
