// The bucket that holds versions: an OCI layout a model, whose blobs are created once and whose tags move by compare-and-swap.
import { CfnOutput, CfnResource, Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { Effect, type IGrantable, PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { explainAtSynth } from './explain.ts';

export interface ModelStoreProps {
  /**
   * What becomes of the bucket when its stack is deleted. DESTROY still refuses while versions are inside.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * How long an index that was replaced can be brought back.
   * @default 90 days
   */
  readonly keepReplacedIndexes?: Duration;
  /**
   * Whether its functions are deployed with signed versions alone: each must carry a signature that models.keys.json trusts, and
   * without a key there nothing is deployed. Functions that follow a channel check them too.
   * @default false
   */
  readonly signed?: boolean;
}

/**
 * A versioned, encrypted, private bucket that refuses every write without a condition, whoever makes it.
 *
 * @example
 * const store = new ModelStore(this, 'ModelStore');
 * store.grantRead(role, ['ppocr-det', 'ppocr-rec']);
 */
export class ModelStore extends Construct {
  readonly bucket: Bucket;
  /** `s3://<bucket>`: what GLOWPLUG_STORE holds. */
  readonly location: string;
  /** Whether its functions run signed versions alone. */
  readonly signed: boolean;

  constructor(scope: Construct, id: string, props: ModelStoreProps = {}) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      versioned: true,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
      lifecycleRules: [
        { id: 'aborted-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
        {
          id: 'replaced-indexes',
          noncurrentVersionExpiration: props.keepReplacedIndexes ?? Duration.days(90),
          // A blob is created once, so that only an index is ever replaced. The limit keeps weights that someone deleted.
          objectSizeLessThan: Size.mebibytes(1).toBytes(),
        },
      ],
    });
    this.signed = props.signed ?? false;
    this.location = `s3://${this.bucket.bucketName}`;
    const output = new CfnOutput(this, 'Location', { value: this.location, description: 'glowplug publish --store' });
    const resource = this.bucket.node.defaultChild;
    // How the deploy command knows the stack that goes first, and where to publish.
    if (CfnResource.isCfnResource(resource)) {
      resource.addMetadata('glowplug:store', { output: output.logicalId, signed: this.signed });
    }
    for (const statement of this.#conditionalWrites()) this.bucket.addToResourcePolicy(statement);
  }

  /** Lets someone read the named models, and nothing else: not their neighbours, and no list of the bucket. */
  grantRead(grantee: IGrantable, models: readonly string[]): void {
    this.#allow(grantee, ['s3:GetObject'], prefixes(models, '*'));
  }

  /** Lets someone move the channels of the named models, and read them: no blob of a version can be replaced, and none deleted. */
  grantMove(grantee: IGrantable, models: readonly string[]): void {
    this.grantRead(grantee, models);
    // Blobs, because what is too old for the index is written down as one: a page of the history.
    this.#allow(grantee, ['s3:PutObject'], [...prefixes(models, 'index.json'), ...prefixes(models, 'blobs/*')]);
  }

  /** Lets someone publish versions of the named models and move their channels; `*` is every model. Nothing can be deleted. */
  grantPublish(grantee: IGrantable, models: readonly string[]): void {
    this.grantMove(grantee, models);
    this.#allow(grantee, ['s3:PutObject'], prefixes(models, 'oci-layout'));
    this.#allow(grantee, ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'], prefixes(models, 'blobs/*'));
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        // Who may not list is told that a blob is forbidden where it is not there yet.
        actions: ['s3:ListBucket', 's3:ListBucketMultipartUploads'],
        resources: [this.bucket.bucketArn],
      }),
    );
  }

  #allow(grantee: IGrantable, actions: string[], keys: readonly string[]): void {
    if (keys.length === 0) return;
    const resources = keys.map((key) => this.bucket.arnForObjects(key));
    grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions, resources }));
    if (!Construct.isConstruct(grantee)) return;
    explainAtSynth(
      grantee,
      () => keys.filter((each) => each.includes('*')).map((key) => this.bucket.arnForObjects(key)),
      'The wildcard stays inside one model: its blobs are named by digests, which every version changes.',
    );
  }

  /** S3's condition keys: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html */
  #conditionalWrites(): PolicyStatement[] {
    // Starting a multipart upload and sending parts cannot carry a condition; completing it must.
    const creates = { Bool: { 's3:ObjectCreationOperation': 'true' } };
    const denyPut = { effect: Effect.DENY, principals: [new StarPrincipal()], actions: ['s3:PutObject'] };
    return [
      new PolicyStatement({
        ...denyPut,
        sid: 'BlobsAreCreatedOnce',
        resources: [this.bucket.arnForObjects('*/blobs/*'), this.bucket.arnForObjects('*/oci-layout')],
        conditions: { ...creates, Null: { 's3:if-none-match': 'true' } },
      }),
      new PolicyStatement({
        ...denyPut,
        // The first index has no ETag yet: it is created once, as a blob is.
        sid: 'IndexesMoveByCompareAndSwap',
        resources: [this.bucket.arnForObjects('*')],
        conditions: { ...creates, Null: { 's3:if-match': 'true', 's3:if-none-match': 'true' } },
      }),
    ];
  }
}

function prefixes(models: readonly string[], below: string): string[] {
  return [...new Set(models)].sort().map((model) => `${model}/${below}`);
}
