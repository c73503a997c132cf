// CodeDeploy's hook before traffic reaches a new version: it must answer the golden samples, or the deployment ends here.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RestResult } from '../../adapters/api-gateway.ts';
import { readContract } from '../../core/contract.ts';
import { GlowplugError, shorten } from '../../core/errors.ts';
import { isRecord } from '../../core/is-record.ts';
import { consoleLog } from '../../core/log.ts';
import { type AwsApi, awsApi } from '../aws-api.ts';
import { type PackedSample, trySamples } from './try-samples.ts';

export interface HookEvent {
  readonly DeploymentId: string;
  readonly LifecycleEventHookExecutionId: string;
}

export async function handler(event: HookEvent): Promise<void> {
  const contract = readContract();
  const samples = JSON.parse(await readFile(join(contract.taskRoot ?? '.', 'samples.json'), 'utf8'));
  await answerHook(event, { api: awsApi(contract), samples, target: contract.hookTarget ?? '' });
}

export interface HookHost {
  readonly api: AwsApi;
  readonly samples: readonly PackedSample[];
  /** ARN of the version. */
  readonly target: string;
}

/** CodeDeploy waits for an hour for a hook that says nothing: whatever happens, it is told. */
export async function answerHook(event: HookEvent, { api, samples, target }: HookHost): Promise<void> {
  const problems = await trySamples(samples, (request) => invoke(api, target, request));
  for (const problem of problems) consoleLog.error('the new version is not let through', { problem });
  await api({
    service: 'codedeploy',
    method: 'POST',
    path: '/',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus',
    },
    body: {
      deploymentId: event.DeploymentId,
      lifecycleEventHookExecutionId: event.LifecycleEventHookExecutionId,
      status: problems.length > 0 ? 'Failed' : 'Succeeded',
    },
  });
}

async function invoke(api: AwsApi, target: string, event: unknown): Promise<RestResult> {
  const path = `/2015-03-31/functions/${encodeURIComponent(target)}/invocations`;
  const { headers, json } = await api({ service: 'lambda', method: 'POST', path, body: event });
  if (!headers.has('x-amz-function-error') && isResult(json)) return json;
  throw new GlowplugError('INTERNAL', `expected an answer of the new version, got ${shorten(json, 300)}`);
}

function isResult(value: unknown): value is RestResult {
  return (
    isRecord(value) &&
    typeof value['statusCode'] === 'number' &&
    typeof value['body'] === 'string' &&
    isRecord(value['multiValueHeaders'])
  );
}
