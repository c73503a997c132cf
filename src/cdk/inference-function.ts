// One function of the app as a construct: its bundle, its layers, its URL, and rights to exactly the models it uses.
import { dirname } from 'node:path';
import { Annotations, AssetHashType, Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { GatewayVpcEndpointAwsService, type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import type { IGrantable, IPrincipal } from 'aws-cdk-lib/aws-iam';
import {
  type Alias,
  CfnFunction,
  Code,
  type FunctionUrl,
  FunctionUrlAuthType,
  type IFunction,
  InvokeMode,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { bundleFunction, type FunctionBundle } from '../build/bundle-function.ts';
import { projectRoot } from '../build/project.ts';
import { writeContract } from '../core/contract.ts';
import { functionRole } from './function-role.ts';
import { modelsOf } from './hosted.ts';
import type { InferenceFunctionProps, ManagedInstances } from './inference-function-props.ts';
import { InferenceQueue } from './inference-queue.ts';
import { LargeBodies } from './large-bodies.ts';
import { type LayerProps, lambdaArchitecture, OnnxRuntimeLayer, SharpLayer } from './layers.ts';
import { mustFit } from './must-fit.ts';
import { trustedKeysFor } from './trusted-keys-for.ts';
import { warnUngated } from './warn-ungated.ts';

/**
 * A Lambda function that answers over its own URL, signed with IAM.
 *
 * @example
 * const store = new ModelStore(this, 'ModelStore');
 * new InferenceFunction(this, 'Ocr', { entry: 'functions/ocr/function.ts', store });
 */
export class InferenceFunction extends Construct implements IGrantable {
  readonly function: LambdaFunction;
  readonly alias: Alias | undefined;
  /** What answers: the alias where there is one, else the function. */
  readonly target: IFunction;
  readonly url: FunctionUrl;
  readonly logGroup: LogGroup;
  /** Made when the props have `largeBodies`. */
  readonly largeBodies: LargeBodies | undefined;
  /** Made when the props have `queue`. */
  readonly queue: InferenceQueue | undefined;
  readonly grantPrincipal: IPrincipal;
  /** Its TypeScript, and the project it belongs to where one was named. */
  readonly entry: string;
  readonly root: string | undefined;
  /** Whether its answers are sent as they are made. */
  readonly streaming: boolean;
  /** What was bundled: its size, its models, the packages that come from layers. */
  readonly bundle: FunctionBundle;

  /** @throws GlowplugError CONFIG_INVALID for what would not fit into Lambda, LOCK_STALE for a model that is not locked. */
  constructor(scope: Construct, id: string, props: InferenceFunctionProps) {
    super(scope, id);
    const { architecture = 'x86_64', timeout = Duration.seconds(30), tracing = true, root } = props;
    const { streaming = false, managedInstances: managed } = props;
    // 2 GiB are the least that Managed Instances take.
    const memorySize = props.memorySize ?? (managed ? 2048 : 1769);
    this.entry = props.entry;
    this.root = root;
    this.streaming = streaming;
    this.bundle = bundleFunction({
      entry: props.entry,
      ...(root ? { root } : {}),
      sessionThreads: managed !== undefined,
      ...(props.references ? { references: props.references } : {}),
    });
    const layers = this.#layers({ architecture, ...(root ? { root } : {}) });
    const fit = mustFit({ bundle: this.bundle, layers, memorySize, seconds: timeout.toSeconds() });
    if (fit.warning) Annotations.of(this).addWarningV2('glowplug:memory', fit.warning);
    const project = root ?? projectRoot(dirname(props.entry));
    warnUngated(this, this.bundle, architecture, project);

    this.logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = functionRole(this, {
      logGroup: this.logGroup,
      store: props.store,
      models: modelsOf(this.bundle),
      tracing,
      inVpc: props.vpc !== undefined,
    });
    this.grantPrincipal = role;
    this.function = new LambdaFunction(this, 'Function', {
      runtime: Runtime.NODEJS_24_X,
      architecture: lambdaArchitecture(architecture),
      handler: 'init.handler',
      code: Code.fromAsset(this.bundle.path, { assetHash: this.bundle.digest, assetHashType: AssetHashType.CUSTOM }),
      description: `glowplug ${this.bundle.name}: ${this.bundle.references.join(', ') || 'no model'}`.slice(0, 256),
      memorySize,
      timeout,
      ...(managed ? { loggingFormat: LoggingFormat.JSON } : {}),
      environment: writeContract({
        store: props.store.location,
        stage: props.stage ?? 'dev',
        streams: streaming,
        trustedKeys: trustedKeysFor(this, props.store, this.bundle, project),
        workers: managed && (managed.workers ?? 1),
      }),
      layers,
      logGroup: this.logGroup,
      role,
      ...(fit.ephemeralMb > 512 ? { ephemeralStorageSize: Size.mebibytes(fit.ephemeralMb) } : {}),
      ...(props.reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: props.reservedConcurrency }),
      ...network(props),
    });
    const resource = this.function.node.defaultChild;
    if (resource instanceof CfnFunction) {
      // How the local cloud and the deploy command know which folder a function comes from.
      resource.addMetadata('glowplug:function', this.bundle.name);
      // Not by the prop: that would put its rights into the role's default policy, where they cannot be told from others.
      if (tracing) resource.tracingConfig = { mode: 'Active' };
      if (managed) resource.capacityProviderConfig = capacityOf(managed);
    }

    const { provisionedConcurrency } = props;
    const alias = props.alias ?? (provisionedConcurrency ? 'live' : undefined);
    this.alias =
      alias === undefined
        ? undefined
        : this.function.addAlias(alias, {
            ...(provisionedConcurrency ? { provisionedConcurrentExecutions: provisionedConcurrency } : {}),
          });
    // CDK's Alias is not written for exactOptionalPropertyTypes: it has what an IFunction has.
    this.target = (this.alias as IFunction | undefined) ?? this.function;
    this.url = this.alias
      ? this.alias.addFunctionUrl(urlOptions(props))
      : this.function.addFunctionUrl(urlOptions(props));
    this.largeBodies = props.largeBodies
      ? new LargeBodies(this, 'LargeBodies', { role, fn: this.function })
      : undefined;
    this.queue =
      props.queue &&
      new InferenceQueue(this, 'Queue', {
        ...props.queue,
        name: this.bundle.name,
        function: this.function,
        target: this.target,
        timeout,
      });
    if (props.warmEvery) this.#keepWarm(props.warmEvery);
  }

  #layers(props: LayerProps): (OnnxRuntimeLayer | SharpLayer)[] {
    const { externals } = this.bundle;
    return [
      ...(externals.includes('onnxruntime-node') ? [OnnxRuntimeLayer.of(this, props)] : []),
      ...(externals.includes('sharp') ? [SharpLayer.of(this, props)] : []),
    ];
  }

  /** Asks as a function URL would: readiness is what every function answers, whatever its owner wrote. */
  #keepWarm(every: Duration): void {
    const event = {
      version: '2.0',
      rawPath: '/v2/health/ready',
      rawQueryString: '',
      headers: {},
      requestContext: { http: { method: 'GET', path: '/v2/health/ready' } },
      isBase64Encoded: false,
    };
    new Rule(this, 'Warm', {
      schedule: Schedule.rate(every),
      description: `keeps one environment of ${this.bundle.name} warm`,
      // A ping that failed is not worth a second one: the next comes soon.
      targets: [new FunctionTarget(this.target, { event: RuleTargetInput.fromObject(event), retryAttempts: 0 })],
    });
  }
}

function urlOptions({ auth = 'iam', streaming = false }: InferenceFunctionProps) {
  return {
    authType: auth === 'none' ? FunctionUrlAuthType.NONE : FunctionUrlAuthType.AWS_IAM,
    ...(streaming ? { invokeMode: InvokeMode.RESPONSE_STREAM } : {}),
  };
}

function network({ vpc, vpcSubnets, securityGroups }: InferenceFunctionProps) {
  if (!vpc) return {};
  if (vpc instanceof Vpc && !vpc.node.tryFindChild(storeEndpoint)) {
    vpc.addGatewayEndpoint(storeEndpoint, { service: GatewayVpcEndpointAwsService.S3 });
  }
  return {
    // CDK's own classes are not written for exactOptionalPropertyTypes: a Vpc has what an IVpc has.
    vpc: vpc as IVpc,
    ...(vpcSubnets ? { vpcSubnets } : {}),
    ...(securityGroups ? { securityGroups: [...securityGroups] } : {}),
  };
}

/** One a VPC, whoever asks first. */
const storeEndpoint = 'GlowplugStoreEndpoint';
function capacityOf(managed: ManagedInstances): CfnFunction.CapacityProviderConfigProperty {
  const { capacityProvider, maxConcurrency, memoryGiBPerVCpu } = managed;
  return {
    lambdaManagedInstancesCapacityProviderConfig: {
      capacityProviderArn: capacityProvider.capacityProviderArn,
      ...(maxConcurrency === undefined ? {} : { perExecutionEnvironmentMaxConcurrency: maxConcurrency }),
      ...(memoryGiBPerVCpu === undefined ? {} : { executionEnvironmentMemoryGiBPerVCpu: memoryGiBPerVCpu }),
    },
  };
}
