// The bucket that holds versions: private, versioned, and closed to writes without a condition.
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { ModelStore, type ModelStoreProps } from '../../src/cdk/model-store.ts';
import { fixtureProject } from '../build/fixtures/project.ts';
import { isDenied, type Put } from './conditional-writes.ts';

describe('ModelStore', () => {
  let store: Template;
  beforeAll(() => {
    store = template();
  });

  it('is versioned, encrypted and closed to the public', () => {
    store.hasResourceProperties('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: 'Enabled' },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    });
  });

  it('refuses every request without TLS, and TLS before 1.2', () => {
    const denies = (condition: object) => Match.objectLike({ Effect: 'Deny', Action: 's3:*', Condition: condition });
    store.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          denies({ Bool: { 'aws:SecureTransport': 'false' } }),
          denies({ NumericLessThan: { 's3:TlsVersion': 1.2 } }),
        ]),
      },
    });
  });

  it('expires aborted uploads and replaced indexes, and nothing that is current', () => {
    const [bucket] = Object.values(store.findResources('AWS::S3::Bucket'));
    expect(bucket?.['Properties'].LifecycleConfiguration.Rules).toEqual([
      { Id: 'aborted-uploads', Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
      {
        Id: 'replaced-indexes',
        Status: 'Enabled',
        NoncurrentVersionExpiration: { NoncurrentDays: 90 },
        ObjectSizeLessThan: 1024 * 1024,
      },
    ]);
  });

  it('outlives its stack unless it is told otherwise', () => {
    store.hasResource('AWS::S3::Bucket', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    template({ removalPolicy: RemovalPolicy.DESTROY }).hasResource('AWS::S3::Bucket', { DeletionPolicy: 'Delete' });
  });

  const blob = `iris/blobs/sha256/${'a'.repeat(64)}`;
  it.each<[string, Put, boolean]>([
    ['a blob that is created once', { key: blob, headers: { 'if-none-match': '*' } }, false],
    ['a blob without a condition', { key: blob }, true],
    ['a blob over another one', { key: blob, headers: { 'if-match': '"etag"' } }, true],
    ['the start of an upload in parts, which cannot carry a condition', { key: blob, creates: false }, false],
    ['the first index', { key: 'iris/index.json', headers: { 'if-none-match': '*' } }, false],
    ['an index that was read before', { key: 'iris/index.json', headers: { 'if-match': '"etag"' } }, false],
    ['an index without a condition', { key: 'iris/index.json' }, true],
    ['oci-layout over another one', { key: 'iris/oci-layout', headers: { 'if-match': '"etag"' } }, true],
    ['any other key without a condition', { key: 'notes.txt' }, true],
  ])('%s', (_what, put, denied) => {
    const [policy] = Object.values(store.findResources('AWS::S3::BucketPolicy'));
    expect(isDenied(policy?.['Properties'].PolicyDocument.Statement, put)).toBe(denied);
  });
});

function template(props?: ModelStoreProps): Template {
  using project = fixtureProject();
  const stack = new Stack(new App({ outdir: project.root }), 'Store');
  new ModelStore(stack, 'ModelStore', props);
  return Template.fromStack(stack);
}
