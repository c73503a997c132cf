// What the local cloud must know of a function to run it: read from the template, or written by a test.

export interface FunctionSpec {
  /** The folder's name under functions/, else the logical id: how it is addressed here. */
  readonly name: string;
  /** FunctionName of the template, else `name`: what AWS_LAMBDA_FUNCTION_NAME says. */
  readonly functionName: string;
  readonly handler: string;
  /** As the template names it: `nodejs24.x`. */
  readonly runtime: string;
  /** The unpacked bundle; it is run where it lies. */
  readonly codeFolder: string;
  /** Unpacked layers, in the template's order. */
  readonly layers: readonly string[];
  readonly memoryMb: number;
  /** MB of /tmp. @default 512 */
  readonly storageMb?: number;
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly reservedConcurrency?: number;
  readonly log: { readonly format: 'Text' | 'JSON'; readonly level?: string; readonly systemLevel?: string };
  readonly url?: FunctionUrl;
  /** What this is a version of says which there are; a published one says its number. @default $LATEST */
  readonly version?: string;
  readonly versions?: readonly string[];
  readonly aliases?: readonly FunctionAlias[];
  /** A debugger may attach: it has one environment, which is never frozen. `bundle` is what it is a copy of. */
  readonly debug?: { readonly port: number; readonly bundle: string };
  /** Runs on Lambda Managed Instances. */
  readonly managed?: ManagedInstances;
}

export interface ManagedInstances {
  /** Requests that one environment is handed at once. */
  readonly maxConcurrency: number;
  readonly vcpus: number;
}

/** The shares of its invocations that versions get: they sum up to 1. */
export interface FunctionAlias {
  readonly name: string;
  readonly weights: readonly { readonly version: string; readonly weight: number }[];
}

export interface FunctionUrl {
  readonly auth: 'AWS_IAM' | 'NONE';
  readonly invokeMode: 'BUFFERED' | 'RESPONSE_STREAM';
  readonly cors?: UrlCors;
  /** The alias that it invokes. */
  readonly qualifier?: string;
}

export interface UrlCors {
  /** `*` is any. */
  readonly allowOrigins: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly allowCredentials: boolean;
  /** Seconds. */
  readonly maxAge: number;
}

/** Who and where the local cloud says it is. */
export interface CloudIdentity {
  readonly region: string;
  readonly account: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly s3Endpoint?: string;
  readonly sqsEndpoint?: string;
  readonly secretsEndpoint?: string;
}

export function functionArn(
  spec: Pick<FunctionSpec, 'functionName'>,
  where: Pick<CloudIdentity, 'region' | 'account'>,
  qualifier?: string,
): string {
  const suffix = qualifier === undefined ? '' : `:${qualifier}`;
  return `arn:aws:lambda:${where.region}:${where.account}:function:${spec.functionName}${suffix}`;
}

/** Lambda's own, where the template says nothing. */
export const defaultStorageMb = 512;
