// SageMaker's contract with a container: GET /ping, POST /invocations, and its own name for the binary content type.
// Source: SageMaker AI Developer Guide, "Custom Inference Code with Hosting Services"; Triton's SageMaker server.
import type { IncomingHttpHeaders } from 'node:http';
import { GlowplugError } from '../core/errors.ts';
import type { Unit } from './units.ts';

const BINARY = /^application\/vnd\.sagemaker-triton\.binary\+json;\s*json-header-size=(\d+)$/i;

/** Where an invocation goes, and what its headers are there. With several units or models X-Amzn-SageMaker-Target-Model says which. */
export function invocation(
  units: readonly Unit[],
  headers: IncomingHttpHeaders,
): { readonly path: string; readonly changes: Readonly<Record<string, string>> } {
  const named = headers['x-amzn-sagemaker-target-model'];
  const targets = units.flatMap(({ name, models }) =>
    models.length > 0
      ? models.map((model) => ({ name: model, path: `/v2/models/${encodeURIComponent(model)}/infer` }))
      : [{ name, path: units.length === 1 ? '/' : `/${name}/` }],
  );
  const target = named === undefined && targets.length === 1 ? targets[0] : targets.find(({ name }) => name === named);
  if (!target) {
    throw new GlowplugError(
      'MODEL_NOT_FOUND',
      `expected X-Amzn-SageMaker-Target-Model to be one of ${targets.map(({ name }) => name).join(', ')}`,
      { remedy: 'Name the target: InvokeEndpoint with TargetModel.' },
    );
  }
  const size = BINARY.exec(headers['content-type'] ?? '')?.[1];
  const changes: Record<string, string> =
    size === undefined ? {} : { 'content-type': 'application/octet-stream', 'inference-header-content-length': size };
  return { path: target.path, changes };
}

/** The protocol's binary answer under the name that SageMaker's clients know. */
export function invocationAnswer(response: Response): Response {
  const size = response.headers.get('inference-header-content-length');
  if (size === null) return response;
  const headers = new Headers(response.headers);
  headers.set('content-type', `application/vnd.sagemaker-triton.binary+json;json-header-size=${size}`);
  return new Response(response.body, { status: response.status, headers });
}
