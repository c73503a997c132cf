// What a function takes and answers, told by its own bundle, its slice of the lock file and the samples beside it.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundleFunction } from '../build/index.ts';
import { GlowplugError } from '../core/errors.ts';
import type { InferenceHandler } from '../index.ts';
import type { DescribedFunction } from '../release/client/client-text.ts';
import { readSample } from '../testing/samples.ts';
import { functionNamed } from './function-names.ts';

/** @throws GlowplugError NOT_FOUND; CONFIG_INVALID, LOCK_STALE from bundling */
export function describeFunction(root: string, name: string): DescribedFunction {
  const source = functionNamed(root, name);
  const bundle = bundleFunction({ entry: source.entry, root });
  const { handler }: { handler: Partial<InferenceHandler> } = createRequire(join(bundle.path, 'index.js'))(
    './index.js',
  );
  const { input, output } = handler;
  if (!input || !output) {
    throw new GlowplugError('CONFIG_INVALID', `expected ${name} to be made by inference(), and to say what it takes`, {
      remedy: 'Export what inference({ … }) returns as handler; what .use() adds is kept on it.',
    });
  }
  const [locked] = Object.values(bundle.lock.models);
  const sample = readSample(dirname(source.entry), name);
  const isJson = sample?.contentType.includes('json') ?? false;
  return {
    name,
    input,
    inputSchema: input.jsonSchema?.(),
    output,
    signature: input.kind === 'tensors' && output === 'tensors' ? locked?.signature : undefined,
    sampleRequest: isJson ? JSON.parse(new TextDecoder().decode(sample?.body)) : undefined,
    goldenAnswer: sample?.golden?.body,
  };
}
