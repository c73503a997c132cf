// Every environment variable that glowplug reads, as docs/reference/environment.md tells them; contract.ts reads them.

interface Variable {
  readonly meaning: string;
  readonly default: string;
}

/** A text that is computed would come into every bundle. */
export const variables = {
  GLOWPLUG_STORE: { meaning: 'Where versions live: s3://bucket[/prefix] or a folder.', default: '.glowplug/store' },
  GLOWPLUG_LOCK: {
    meaning: 'Path of models.lock.json.',
    default: 'models.lock.json beside the handler, else in the working folder',
  },
  GLOWPLUG_CACHE: {
    meaning: 'Folder where fetched blobs are kept.',
    default: '/tmp/glowplug on Lambda, else .glowplug/cache',
  },
  GLOWPLUG_CACHE_MB: {
    meaning: 'MB of blobs kept in the cache; those used longest ago go first, never one that is in use.',
    default: 'three quarters of its disk, at most 10,000',
  },
  GLOWPLUG_MODELS: {
    meaning:
      'A read-only folder laid out as a store (in a container image, a mount): a blob that is there, and is what its name says, is not fetched.',
    default: 'unset',
  },
  GLOWPLUG_STAGE: { meaning: 'Name of the stage: dev, staging, prod.', default: 'dev' },
  GLOWPLUG_TRUSTED_KEYS: {
    meaning:
      'What models.keys.json holds: a function that follows a channel runs no version that it does not trust. Set by the constructs where the store demands signatures.',
    default: 'unset: only `verify` of a `follow` checks',
  },
  GLOWPLUG_STREAMING: {
    meaning: 'Set where the function URL has invoke mode RESPONSE_STREAM: the function answers as a stream.',
    default: 'unset: answers are sent whole',
  },
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: {
    meaning: 'MB of the function; sets the memory budget and the threads.',
    default: 'unset outside Lambda',
  },
  AWS_LAMBDA_MAX_CONCURRENCY: {
    meaning: 'Requests at once in one environment; set by Lambda Managed Instances, and the sign of them.',
    default: 'unset elsewhere',
  },
  AWS_LAMBDA_NODEJS_WORKER_COUNT: {
    meaning: 'Threads of the runtime on Managed Instances, each with its own sessions: InferenceFunction sets 1.',
    default: '8 for each processor, which is the runtime’s',
  },
  GLOWPLUG_MODELS_MB: {
    meaning: 'MB that open models may take together; those used longest ago are closed first.',
    default: 'what the function’s memory leaves; half of the machine outside Lambda',
  },
  GLOWPLUG_PROVIDER: {
    meaning:
      'Where models run on Lambda Managed Instances: auto, tensorrt, cuda, webgpu, cpu. The GPU image sets auto.',
    default: 'cpu',
  },
  LAMBDA_TASK_ROOT: { meaning: 'Folder of the bundle; set by Lambda.', default: 'unset outside Lambda' },
  AWS_REGION: { meaning: 'Region of the store.', default: 'us-east-1' },
  AWS_ENDPOINT_URL_S3: { meaning: 'Another S3 endpoint than AWS’s; the local cloud sets it.', default: 'AWS’s' },
  AWS_ACCESS_KEY_ID: { meaning: 'Credentials of the store; set by Lambda.', default: 'unset' },
  AWS_SECRET_ACCESS_KEY: { meaning: 'Credentials of the store; set by Lambda.', default: 'unset' },
  AWS_SESSION_TOKEN: { meaning: 'Credentials of the store; set by Lambda.', default: 'unset' },
  GLOWPLUG_RESULTS: {
    meaning: 'Where the results of queued requests are written: s3://bucket[/prefix].',
    default: 'unset: the function takes no queued requests',
  },
  GLOWPLUG_LARGE_BODIES: {
    meaning: 'Where requests and answers lie that are too large for Lambda: s3://bucket[/prefix].',
    default: 'unset: those are refused',
  },
  GLOWPLUG_QUEUE: {
    meaning: 'URL of the SQS queue that feeds the function: requests with Prefer: respond-async go there.',
    default: 'unset: they are answered at once',
  },
  GLOWPLUG_CAPTURE: {
    meaning:
      'Where captured requests of this function are written: s3://bucket[/prefix] or a folder; set by QualityMonitor. glowplug serve writes those of each function under captured/<function>/ there.',
    default: 'unset: none are',
  },
  GLOWPLUG_RESULT_QUEUE: { meaning: 'URL of an SQS queue that is told of each result.', default: 'unset' },
  AWS_CONTAINER_CREDENTIALS_FULL_URI: {
    meaning: 'Where credentials are asked for; set by Lambda for functions with SnapStart.',
    default: 'unset: the variables above',
  },
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: {
    meaning:
      'The same on ECS and SageMaker, which set it: a path of 169.254.170.2. Credentials in the variables above go first.',
    default: 'unset',
  },
  AWS_CONTAINER_AUTHORIZATION_TOKEN: { meaning: 'Goes with it; set by Lambda.', default: 'unset' },
  AWS_LAMBDA_FUNCTION_NAME: {
    meaning: 'The dimension of its metrics; set by Lambda.',
    default: 'unset outside Lambda',
  },
  AWS_LAMBDA_INITIALIZATION_TYPE: {
    meaning: 'on-demand, provisioned-concurrency or snap-start; set by Lambda.',
    default: 'unset outside Lambda',
  },
  GLOWPLUG_API_KEYS: {
    meaning: 'Keys that glowplug serve asks of its clients, separated by commas.',
    default: 'none: every client is answered',
  },
  GLOWPLUG_API_KEYS_SECRET: {
    meaning:
      'ARN of the secret whose keys an authorizer lets in, and a GpuEndpoint’s hook sends; set by the constructs.',
    default: 'unset elsewhere',
  },
  GLOWPLUG_NAMED_ROUTES: {
    meaning:
      'Set by InferenceLoadBalancer: the path of a load balancer’s request begins with a name of the function, which is no part of its own paths.',
    default: 'unset: it is the function’s own path',
  },
  AWS_ENDPOINT_URL_SECRETS_MANAGER: {
    meaning: 'Another Secrets Manager than AWS’s; the local cloud sets it.',
    default: 'AWS’s',
  },
  GLOWPLUG_ENDPOINT: {
    meaning: 'Name under which glowplug serve writes its queue time into the log, for CloudWatch; set by GpuEndpoint.',
    default: 'unset: nothing is written',
  },
  AWS_XRAY_DAEMON_ADDRESS: {
    meaning: 'host:port that spans of sampled requests are sent to; set by Lambda.',
    default: 'unset outside Lambda',
  },
  _X_AMZN_TRACE_ID: {
    meaning: 'The trace of the invocation; set by Lambda for each.',
    default: 'unset outside Lambda',
  },
  GLOWPLUG_WAKES: {
    meaning: 'Cluster and service of the endpoint that the waker wakes, as JSON; set by GpuEndpoint.',
    default: 'unset',
  },
  GLOWPLUG_HOOK_TARGET: {
    meaning:
      'What the hook of a Rollout or GpuEndpoint tries golden samples against: ARN of the function’s version, URL of the test listener; set by the construct.',
    default: 'unset',
  },
  CDK_DEFAULT_ACCOUNT: {
    meaning:
      'Account of the credentials; set by CDK’s CLI while it synthesises. What could be deployed there is refused without trusted keys.',
    default: 'unset without credentials',
  },
  SAGEMAKER_BIND_TO_PORT: {
    meaning: 'Port of the container; set by SageMaker. glowplug serve then answers /ping and /invocations on it.',
    default: 'unset outside SageMaker',
  },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof variables;
