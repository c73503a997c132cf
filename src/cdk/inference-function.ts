// One function of the app as a construct: its bundle, its layers, its URL, and rights to exactly the models it uses.
import { AssetHashType, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { type IGrantable, type IPrincipal, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  CfnFunction,
  Code,
  type FunctionUrl,
  FunctionUrlAuthType,
  Function as LambdaFunction,
  type LayerVersion,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { bundleFunction, type FunctionBundle } from '../build/bundle-function.ts';
import type { Architecture } from '../build/layer.ts';
import { writeContract } from '../core/contract.ts';
import { InferenceQueue, type InferenceQueueProps } from './inference-queue.ts';
import { type LayerProps, lambdaArchitecture, OnnxRuntimeLayer, SharpLayer } from './layers.ts';
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
  /** @default one month */
  readonly logRetention?: RetentionDays;
}

/**
 * A Lambda function that answers over its own URL, signed with IAM.
 *
 * @example
 * const store = new ModelStore(this, 'ModelStore');
 * new InferenceFunction(this, 'Ocr', { entry: 'functions/ocr/function.ts', store });
 */
export class InferenceFunction extends Construct implements IGrantable {
  readonly function: LambdaFunction;
  readonly url: FunctionUrl;
  readonly logGroup: LogGroup;
  /** Made when the props have `queue`. */
  readonly queue: InferenceQueue | undefined;
  readonly grantPrincipal: IPrincipal;
  /** What was bundled: its size, its models, the packages that come from layers. */
  readonly bundle: FunctionBundle;

  constructor(scope: Construct, id: string, props: InferenceFunctionProps) {
    super(scope, id);
    const { architecture = 'x86_64', root, timeout = Duration.seconds(30) } = props;
    this.bundle = bundleFunction({
      entry: props.entry,
      ...(root ? { root } : {}),
      ...(props.references ? { references: props.references } : {}),
    });
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = this.#role(props.store);
    this.grantPrincipal = role;
    this.function = new LambdaFunction(this, 'Function', {
      runtime: Runtime.NODEJS_24_X,
      architecture: lambdaArchitecture(architecture),
      handler: 'index.handler',
      code: Code.fromAsset(this.bundle.path, { assetHash: this.bundle.digest, assetHashType: AssetHashType.CUSTOM }),
      description: `glowplug ${this.bundle.name}: ${this.bundle.references.join(', ') || 'no model'}`.slice(0, 256),
      memorySize: props.memorySize ?? 1769,
      timeout,
      environment: writeContract({ store: props.store.location, stage: props.stage ?? 'dev' }),
      layers: this.#layers({ architecture, ...(root ? { root } : {}) }),
      logGroup: this.logGroup,
      role,
    });
    this.url = this.function.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM });

    this.queue = props.queue && new InferenceQueue(this, 'Queue', { ...props.queue, function: this.function, timeout });

    const resource = this.function.node.defaultChild;
    if (!(resource instanceof CfnFunction)) return;
    // How the local cloud and the deploy command know which folder a function comes from.
    resource.addMetadata('glowplug:function', this.bundle.name);
    // Not by the prop: that would put its rights into the role's default policy, where they cannot be told from others.
    resource.tracingConfig = { mode: 'Active' };
  }

  /** A role of our own: the managed policy that CDK gives by default may write to every log group of the account. */
  #role(store: ModelStore): Role {
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.logGroup.grantWrite(role);

    const tracing = new Policy(role, 'Tracing', {
      statements: [
        new PolicyStatement({ actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], resources: ['*'] }),
      ],
    });
    tracing.attachToRole(role);
    Validations.of(tracing).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'X-Ray has no resources: these two actions can be allowed for * alone.',
    });

    const models = Object.values(this.bundle.lock.models).map(({ model }) => model);
    if (models.length > 0) store.grantRead(role, models);
    return role;
  }

  #layers(props: LayerProps): LayerVersion[] {
    const { externals } = this.bundle;
    return [
      ...(externals.includes('onnxruntime-node') ? [OnnxRuntimeLayer.of(this, props)] : []),
      ...(externals.includes('sharp') ? [SharpLayer.of(this, props)] : []),
    ];
  }
}
