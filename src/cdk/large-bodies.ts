// A bucket for requests and answers that Lambda does not carry: the function presigns, clients put and get, a day later it is empty.
import { Duration } from 'aws-cdk-lib';
import { type IRole, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { writeContract } from '../core/contract.ts';
import { createOnceBucket } from './create-once-bucket.ts';
import { explainAtSynth } from './explain.ts';

/** What `largeBodies: true` of an InferenceFunction makes. */
export class LargeBodies extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { role, fn }: { readonly role: IRole; readonly fn: LambdaFunction }) {
    super(scope, id);
    this.bucket = createOnceBucket(this, 'Bodies', {
      once: ['*'],
      unlogged: 'Only who the function gave a link to writes here, once, and what is here is gone after a day.',
      lifecycleRules: [
        { id: 'leftovers', expiration: Duration.days(1), abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
    });
    const own = this.bucket.arnForObjects('bodies/*');
    const policy = new Policy(this, 'Carry', {
      statements: [new PolicyStatement({ actions: ['s3:PutObject', 's3:GetObject'], resources: [own] })],
    });
    policy.attachToRole(role);
    explainAtSynth(policy, () => [own], 'Keys are hashes of tokens that are made for each request.');
    const environment = writeContract({ largeBodies: `s3://${this.bucket.bucketName}/bodies` });
    for (const [name, value] of Object.entries(environment)) fn.addEnvironment(name, value);
  }
}
