// What the local cloud must know of queues and of who listens to them: read from the template, or written by a test.

export interface QueueSpec {
  /** The logical id in the template. */
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  /** As SQS's CreateQueue takes them. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** An AWS::Lambda::EventSourceMapping from a queue. */
export interface EventSourceSpec {
  readonly id: string;
  /** The function's name here. */
  readonly functionName: string;
  /** The version or alias that it invokes. @default $LATEST */
  readonly qualifier?: string;
  readonly queueArn: string;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly reportsFailures: boolean;
  readonly maximumConcurrency?: number;
}
