// A bucket for answers: the first one wins, because every writer keeps to it.
import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Effect, PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, type LifecycleRule, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

export interface CreateOnceBucketProps {
  /** Keys that are written once, such as `results/*`. */
  readonly once: readonly string[];
  /** Why it needs no access log: cdk-nag's S1. */
  readonly unlogged: string;
  readonly lifecycleRules?: LifecycleRule[];
}

/** Encrypted, TLS only, private, kept when its stack goes; a put that could replace one of `once` is refused, whoever asks. */
export function createOnceBucket(scope: Construct, id: string, props: CreateOnceBucketProps): Bucket {
  const { once, unlogged, lifecycleRules } = props;
  const bucket = new Bucket(scope, id, {
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    removalPolicy: RemovalPolicy.RETAIN,
    ...(lifecycleRules ? { lifecycleRules } : {}),
  });
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'ResultsAreCreatedOnce',
      effect: Effect.DENY,
      principals: [new StarPrincipal()],
      actions: ['s3:PutObject'],
      resources: once.map((keys) => bucket.arnForObjects(keys)),
      conditions: { Bool: { 's3:ObjectCreationOperation': 'true' }, Null: { 's3:if-none-match': 'true' } },
    }),
  );
  Validations.of(bucket).acknowledge({ id: 'AwsSolutions-S1', reason: unlogged });
  return bucket;
}
