// The only file that reads process.env: what a deployment tells a function, checked and typed.
import { availableParallelism } from 'node:os';
import { GlowplugError } from './errors.ts';
import { type Provider, providers } from './provider.ts';
import type { VariableName } from './variables.ts';

export interface Contract {
  /** Where versions live: `s3://bucket[/prefix]` or a folder's path. */
  readonly store: string;
  /** The lock slice beside the handler, or the app's own lock file. */
  readonly lockFile: string;
  /** Where fetched blobs are kept. Lambda: /tmp/glowplug. */
  readonly cacheDir: string;
  /** Bytes of blobs kept there; undefined: as much as its disk allows. */
  readonly cacheBytes: number | undefined;
  /** A folder laid out as a store, read before the store is asked. */
  readonly modelsDir: string | undefined;
  readonly stage: string;
  /** models.keys.json, by which versions that a channel brings are checked; undefined: none is. */
  readonly trustedKeys: string | undefined;
  readonly onLambda: boolean;
  /** The function's URL takes streams: the function answers every event as one. */
  readonly streams: boolean;
  /**
   * On Lambda Managed Instances, where many requests are answered at once and nothing freezes: threads that each run their own
   * copy of the function. undefined anywhere else.
   */
  readonly workers: number | undefined;
  /** MB the host gives this function; undefined outside Lambda. */
  readonly memoryMb: number | undefined;
  /** MB that open models may take; undefined: what memoryMb leaves, else half of the machine. */
  readonly modelsMb: number | undefined;
  /** Where models run: a provider of onnxruntime, or `auto`; undefined: on the CPU. Of Lambda: `glowplug serve` has options. */
  readonly provider?: Provider | 'auto' | undefined;
  readonly region: string;
  /** Set by the local cloud and by other S3-compatible hosts. */
  readonly s3Endpoint: string | undefined;
  readonly credentials: Credentials | undefined;
  /** Where captured requests are written: `s3://bucket[/prefix]`. */
  readonly capture: string | undefined;
  /** Where answers that nobody waits for are written: `s3://bucket[/prefix]`. */
  readonly results: string | undefined;
  /** Where requests and answers lie that are too large for Lambda: `s3://bucket[/prefix]`. */
  readonly largeBodies: string | undefined;
  /** URL of the function's own queue, for requests that are answered later. */
  readonly queue: string | undefined;
  /** URL of the queue that is told of each result. */
  readonly resultQueue: string | undefined;
  /** Where credentials are asked for instead, as restored snapshots must. */
  readonly credentialSource?: CredentialSource | undefined;
  /** Set by Lambda. */
  readonly functionName?: string | undefined;
  /** How this environment came to be, as Lambda says: on-demand, provisioned-concurrency, snap-start. */
  readonly initialization?: string | undefined;
  /** Keys that a server asks of its clients; none: it asks for none. */
  readonly apiKeys: readonly string[];
  /** ARN of the secret whose keys an authorizer lets in, or a hook sends. */
  readonly apiKeysSecret?: string | undefined;
  /** Set by InferenceLoadBalancer: the path of a load balancer's request begins with a name of the function. */
  readonly namedRoutes?: boolean;
  /** Set by the local cloud. */
  readonly secretsEndpoint?: string | undefined;
  /** Set where SageMaker runs the container. */
  readonly sagemakerPort: number | undefined;
  /** Folder of the bundle; undefined outside Lambda. */
  readonly taskRoot?: string | undefined;
  /** Its name in CloudWatch, where something scales by what it waits. */
  readonly endpoint?: string | undefined;
  /** host:port of the X-Ray daemon; undefined where there is none. */
  readonly xrayDaemon?: string | undefined;
  /** What the waker wakes, as JSON. */
  readonly wakes?: string | undefined;
  /** Account of the credentials with which CDK's CLI synthesises; undefined where it has none, and deploys nothing. */
  readonly cdkAccount?: string | undefined;
  /** What golden samples are tried against: ARN of a function's version, or URL of an endpoint's test listener. */
  readonly hookTarget?: string | undefined;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface CredentialSource {
  readonly url: string;
  readonly token: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function readContract(env: Environment = process.env): Contract {
  const taskRoot = env['LAMBDA_TASK_ROOT'];
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'];
  const sessionToken = env['AWS_SESSION_TOKEN'];
  const cacheMb = positiveInteger(env, 'GLOWPLUG_CACHE_MB');
  return {
    store: env['GLOWPLUG_STORE'] || '.glowplug/store',
    lockFile: env['GLOWPLUG_LOCK'] || (taskRoot ? `${taskRoot}/models.lock.json` : 'models.lock.json'),
    cacheDir: env['GLOWPLUG_CACHE'] || (taskRoot ? '/tmp/glowplug' : '.glowplug/cache'),
    cacheBytes: cacheMb === undefined ? undefined : cacheMb * 1e6,
    modelsDir: env['GLOWPLUG_MODELS'] || undefined,
    stage: env['GLOWPLUG_STAGE'] || 'dev',
    trustedKeys: env['GLOWPLUG_TRUSTED_KEYS'] || undefined,
    onLambda: Boolean(taskRoot),
    streams: Boolean(env['GLOWPLUG_STREAMING']),
    workers: env['AWS_LAMBDA_MAX_CONCURRENCY']
      ? (positiveInteger(env, 'AWS_LAMBDA_NODEJS_WORKER_COUNT') ?? 8 * availableParallelism())
      : undefined,
    memoryMb: positiveInteger(env, 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE'),
    modelsMb: positiveInteger(env, 'GLOWPLUG_MODELS_MB'),
    provider: provider(env['GLOWPLUG_PROVIDER']),
    region: env['AWS_REGION'] || 'us-east-1',
    s3Endpoint: env['AWS_ENDPOINT_URL_S3'] || undefined,
    credentials:
      accessKeyId && secretAccessKey
        ? { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
        : undefined,
    results: env['GLOWPLUG_RESULTS'] || undefined,
    largeBodies: env['GLOWPLUG_LARGE_BODIES'] || undefined,
    capture: env['GLOWPLUG_CAPTURE'] || undefined,
    queue: env['GLOWPLUG_QUEUE'] || undefined,
    resultQueue: env['GLOWPLUG_RESULT_QUEUE'] || undefined,
    credentialSource: credentialSource(env),
    functionName: env['AWS_LAMBDA_FUNCTION_NAME'],
    initialization: env['AWS_LAMBDA_INITIALIZATION_TYPE'],
    apiKeys: env['GLOWPLUG_API_KEYS'] ? parseApiKeys(env['GLOWPLUG_API_KEYS'], 'GLOWPLUG_API_KEYS') : [],
    apiKeysSecret: env['GLOWPLUG_API_KEYS_SECRET'] || undefined,
    namedRoutes: Boolean(env['GLOWPLUG_NAMED_ROUTES']),
    secretsEndpoint: env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] || undefined,
    sagemakerPort: positiveInteger(env, 'SAGEMAKER_BIND_TO_PORT'),
    taskRoot: taskRoot || undefined,
    endpoint: env['GLOWPLUG_ENDPOINT'] || undefined,
    xrayDaemon: env['AWS_XRAY_DAEMON_ADDRESS'] || undefined,
    wakes: env['GLOWPLUG_WAKES'] || undefined,
    hookTarget: env['GLOWPLUG_HOOK_TARGET'] || undefined,
    cdkAccount: env['CDK_DEFAULT_ACCOUNT'] || undefined,
  };
}

/** The trace of the invocation that runs now: on Managed Instances, where several do, the runtime keeps each one's apart. */
export function invocationTrace(env: Environment = process.env): string | undefined {
  if (!env['AWS_LAMBDA_MAX_CONCURRENCY']) return env['_X_AMZN_TRACE_ID'];
  const trace: unknown = Object(Reflect.get(globalThis, 'awslambda')).InvokeStore?.getXRayTraceId?.();
  return typeof trace === 'string' ? trace : undefined;
}

/** Of a thread that runs sessions: what NODE_OPTIONS loads before the function, such as a tracing SDK, is not loaded in each again. */
export function threadEnvironment(env: Environment = process.env): Environment {
  return { ...env, NODE_OPTIONS: '' };
}

/** What a construct writes into a function's environment; `readContract` is its inverse. */
export function writeContract(
  contract: Partial<
    Pick<
      Contract,
      | 'store'
      | 'stage'
      | 'trustedKeys'
      | 'streams'
      | 'workers'
      | 'modelsMb'
      | 'results'
      | 'largeBodies'
      | 'queue'
      | 'resultQueue'
    >
  >,
): Record<string, string> {
  const written = {
    GLOWPLUG_STORE: contract.store,
    GLOWPLUG_STAGE: contract.stage,
    GLOWPLUG_TRUSTED_KEYS: contract.trustedKeys,
    GLOWPLUG_STREAMING: contract.streams ? '1' : undefined,
    AWS_LAMBDA_NODEJS_WORKER_COUNT: contract.workers?.toString(),
    GLOWPLUG_MODELS_MB: contract.modelsMb?.toString(),
    GLOWPLUG_RESULTS: contract.results,
    GLOWPLUG_LARGE_BODIES: contract.largeBodies,
    GLOWPLUG_QUEUE: contract.queue,
    GLOWPLUG_RESULT_QUEUE: contract.resultQueue,
  };
  return Object.fromEntries(
    Object.entries(written).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Snapshots name a whole URL. A container names a path, and has no other credentials unless its owner gave it some. */
function credentialSource(env: Environment): CredentialSource | undefined {
  const { AWS_CONTAINER_CREDENTIALS_FULL_URI: full, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: path } = env;
  if (full) return { url: full, token: env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] };
  return path && !env['AWS_ACCESS_KEY_ID'] ? { url: `http://169.254.170.2${path}`, token: undefined } : undefined;
}

function provider(text: string | undefined): Contract['provider'] {
  const known = (['auto', ...providers] as const).find((one) => one === text);
  if (known || !text) return known;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected GLOWPLUG_PROVIDER to be auto, ${providers.join(', ')}, got ${text}`,
  );
}

/**
 * Several are valid at once, so that one can be exchanged for another.
 *
 * @throws GlowplugError CONFIG_INVALID for none: a mistake, which must not let everybody in
 */
export function parseApiKeys(text: string, where: string): string[] {
  const found = text.split(',').flatMap((key) => key.trim() || []);
  if (found.length > 0) return found;
  throw new GlowplugError('CONFIG_INVALID', `${where}: expected keys separated by commas, got none`);
}

function positiveInteger(env: Environment, name: VariableName): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new GlowplugError('CONFIG_INVALID', `${name}: expected a positive whole number, got ${JSON.stringify(text)}`);
}
