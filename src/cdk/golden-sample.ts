// The golden sample that lies beside a function, as a hook takes it along.
import { dirname } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import type { PackedSample } from '../ops/golden/try-samples.ts';
import { readSample } from '../testing/samples.ts';

/**
 * Undefined where there is none, or `wanted` is false.
 *
 * @throws GlowplugError CONFIG_INVALID where one is asked for and there is none
 */
export function goldenSample(entry: string, name: string, wanted: boolean | undefined): PackedSample | undefined {
  if (wanted === false) return undefined;
  const sample = readSample(dirname(entry), name);
  if (sample?.golden) {
    const { contentType, body, golden } = sample;
    return { name, contentType, base64: Buffer.from(body).toString('base64'), golden };
  }
  if (!wanted) return undefined;
  throw new GlowplugError('CONFIG_INVALID', `expected a golden sample beside ${entry}, found none`, {
    remedy: 'Put request.json (or .png, …) and answer.golden.json there, or leave golden out.',
  });
}
