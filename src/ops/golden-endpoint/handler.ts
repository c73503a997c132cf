// ECS's hook before requests reach a new revision of an endpoint: on the test listener it must answer the golden samples, or it goes.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RestEvent, RestResult } from '../../adapters/api-gateway.ts';
import { readContract } from '../../core/contract.ts';
import { consoleLog } from '../../core/log.ts';
import { awsApi } from '../aws-api.ts';
import { type PackedSample, trySamples } from '../golden/try-samples.ts';
import { readApiKeys } from '../read-api-keys.ts';

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html: no answer takes the revision back, too. */
export interface HookAnswer {
  readonly hookStatus: 'SUCCEEDED' | 'FAILED';
}

export async function handler(): Promise<HookAnswer> {
  const contract = readContract();
  const { hookTarget = '', apiKeysSecret, secretsEndpoint: endpoint, taskRoot = '.' } = contract;
  const samples = JSON.parse(await readFile(join(taskRoot, 'samples.json'), 'utf8'));
  const [key] = apiKeysSecret ? await readApiKeys(awsApi(contract, { endpoint }), apiKeysSecret) : [];
  return await answerEndpointHook(samples, { url: hookTarget, key });
}

export interface TestListener {
  readonly url: string;
  /** Undefined where the endpoint asks for none. */
  readonly key: string | undefined;
  /** Of one request. @default a minute */
  readonly limitMs?: number;
}

export async function answerEndpointHook(
  samples: readonly PackedSample[],
  listener: TestListener,
): Promise<HookAnswer> {
  const problems = await trySamples(samples, (event) => ask(event, listener));
  for (const problem of problems) consoleLog.error('the new revision is not let through', { problem });
  return { hookStatus: problems.length > 0 ? 'FAILED' : 'SUCCEEDED' };
}

async function ask(
  { httpMethod, path, headers, body }: RestEvent,
  { url, key, limitMs = 60_000 }: TestListener,
): Promise<RestResult> {
  const response = await fetch(new URL(path, url), {
    method: httpMethod,
    headers: { ...headers, ...(key === undefined ? {} : { 'x-api-key': key }) },
    body: Buffer.from(body ?? '', 'base64'),
    signal: AbortSignal.timeout(limitMs),
  });
  return {
    statusCode: response.status,
    multiValueHeaders: { 'content-type': [response.headers.get('content-type') ?? ''] },
    body: Buffer.from(await response.arrayBuffer()).toString('base64'),
    isBase64Encoded: true,
  };
}
