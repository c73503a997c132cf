// The environment variables of a function, as Lambda sets them. Nothing of the developer's own environment comes in.
import { delimiter, dirname, join } from 'node:path';
import type { CloudIdentity, FunctionSpec } from './function-spec.ts';

export interface Sandbox {
  /** This environment's own /tmp. */
  readonly tmp: string;
  /** host:port of its Runtime API. */
  readonly runtimeApi: string;
  readonly logStream: string;
}

/** The runtime client's own default; it would count this machine's processors. */
const workersPerVcpu = 8;

/** Source: AWS Lambda Developer Guide, "Defined runtime environment variables". */
export function lambdaVariables(spec: FunctionSpec, where: CloudIdentity, sandbox: Sandbox): Record<string, string> {
  // A later layer is unpacked over an earlier one, so it is found first.
  const layers = spec.layers.toReversed();
  const under = (...parts: string[]) => layers.map((layer) => join(layer, ...parts));
  const major = /^nodejs(\d+)/.exec(spec.runtime)?.[1] ?? '';
  return {
    PATH: [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin', ...under('bin')].join(delimiter),
    LD_LIBRARY_PATH: [spec.codeFolder, join(spec.codeFolder, 'lib'), ...under('lib')].join(delimiter),
    NODE_PATH: layers
      .flatMap((layer) => [
        join(layer, 'nodejs', `node${major}`, 'node_modules'),
        join(layer, 'nodejs', 'node_modules'),
      ])
      .join(delimiter),
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    // Local only: where there is no sandbox, these keep a function out of the developer's own files.
    HOME: sandbox.tmp,
    TMPDIR: sandbox.tmp,
    GLOWPLUG_CACHE: join(sandbox.tmp, 'glowplug'),
    ...(where.s3Endpoint === undefined ? {} : { AWS_ENDPOINT_URL_S3: where.s3Endpoint }),
    ...(where.sqsEndpoint === undefined ? {} : { AWS_ENDPOINT_URL_SQS: where.sqsEndpoint }),
    ...(where.secretsEndpoint === undefined ? {} : { AWS_ENDPOINT_URL_SECRETS_MANAGER: where.secretsEndpoint }),
    ...(spec.managed ? { AWS_LAMBDA_NODEJS_WORKER_COUNT: `${workersPerVcpu * spec.managed.vcpus}` } : {}),
    ...spec.environment,
    _HANDLER: spec.handler,
    LAMBDA_TASK_ROOT: spec.codeFolder,
    AWS_LAMBDA_RUNTIME_API: sandbox.runtimeApi,
    AWS_EXECUTION_ENV: `AWS_Lambda_${spec.runtime}`,
    AWS_REGION: where.region,
    AWS_DEFAULT_REGION: where.region,
    AWS_ACCESS_KEY_ID: where.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: where.credentials.secretAccessKey,
    AWS_LAMBDA_FUNCTION_NAME: spec.functionName,
    AWS_LAMBDA_FUNCTION_VERSION: spec.version ?? '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${spec.memoryMb}`,
    ...(spec.managed
      ? {
          AWS_LAMBDA_INITIALIZATION_TYPE: 'lambda-managed-instances',
          AWS_LAMBDA_MAX_CONCURRENCY: `${spec.managed.maxConcurrency}`,
        }
      : { AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand' }),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${spec.functionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: sandbox.logStream,
    AWS_LAMBDA_LOG_FORMAT: spec.log.format,
    ...(spec.log.level === undefined ? {} : { AWS_LAMBDA_LOG_LEVEL: spec.log.level }),
  };
}
