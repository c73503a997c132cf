// A model without onnxruntime, for tests of what stands around one: what a function feeds it, and what it makes of an answer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../build/project.ts';
import { GlowplugError } from '../core/errors.ts';
import type { Signature } from '../core/signature.ts';
import type { Model } from '../handler/model.ts';
import type { FeedsOf, OutputsOf } from '../handler/registry.ts';
import { parseLock } from '../models/lock.ts';
import type { Lock } from '../models/version.ts';
import { fakeSession } from '../session/fake.ts';
import { checkFeeds } from '../session/feeds.ts';
import type { Tensors } from '../tensor/tensor.ts';

export interface FakeModel<R extends string> extends Model<R> {
  /** What it was fed, run by run. */
  readonly runs: readonly FeedsOf<R>[];
}

export interface FakeModelOptions {
  /** By name, such as labels.txt. @default none */
  readonly texts?: Readonly<Record<string, string>>;
  /** The folder of models.lock.json. @default the nearest folder with a package.json, from the working folder up */
  readonly root?: string;
}

/**
 * Answers by `answer`. Its name, version and signature are the locked ones, so that it refuses the feeds that the real model would.
 *
 * @throws GlowplugError LOCK_STALE without models.lock.json, MODEL_NOT_FOUND for a reference that it does not hold; INPUT_TENSOR from `run`,
 *   and CONFIG_INVALID where `answer` gives what the locked model does not
 * @example
 * const iris = fakeModel('iris:prod', () => ({
 *   class: tensor('INT64', [1], BigInt64Array.of(1n)),
 *   probabilities: tensor('FP32', [1, 3], Float32Array.of(0.1, 0.5, 0.4)),
 * }));
 */
export function fakeModel<const R extends string>(
  reference: R,
  answer: (feeds: FeedsOf<R>) => OutputsOf<R> | Promise<OutputsOf<R>>,
  { texts = {}, root = projectRoot() }: FakeModelOptions = {},
): FakeModel<R> {
  const { models } = readLock(join(root, 'models.lock.json'));
  const locked = models[reference];
  if (!locked) {
    const known = Object.keys(models).join(', ');
    throw new GlowplugError('MODEL_NOT_FOUND', `expected one of ${known} of models.lock.json, got ${reference}`, {
      remedy: 'Write the reference as the function does, and run glowplug lock.',
    });
  }
  // The lock's signature checks by value what the registry says of it in types.
  const session = fakeSession({
    signature: locked.signature,
    async answer(feeds) {
      const outputs = (await answer(feeds as FeedsOf<R>)) as Tensors;
      checkOutputs(reference, locked.signature, outputs);
      return outputs;
    },
  });
  return {
    reference,
    runs: session.runs as readonly FeedsOf<R>[],
    async run(feeds, { signal } = {}) {
      signal?.throwIfAborted();
      return (await session.run(feeds as Tensors)) as OutputsOf<R>;
    },
    locked: async () => locked,
    signature: async () => locked.signature,
    async text(file) {
      const text = texts[file];
      if (text !== undefined) return text;
      throw new GlowplugError('CONFIG_INVALID', `the fake of ${reference} has no ${file}`, {
        remedy: `fakeModel('${reference}', answer, { texts: { '${file}': '…' } })`,
      });
    },
    batching: async () => undefined,
    warm: async () => {},
  };
}

/** As feeds are: what the real model would not answer proves nothing of who reads it. */
function checkOutputs(reference: string, { outputs }: Signature, answered: Tensors): void {
  try {
    checkFeeds({ inputs: outputs, outputs: {} }, answered ?? {});
  } catch (cause) {
    const told = cause instanceof Error ? cause.message.replace(/\binput/, 'output') : String(cause);
    throw new GlowplugError('CONFIG_INVALID', `the fake of ${reference} answers what the model does not: ${told}`, {
      remedy: `Answer ${Object.keys(outputs).join(', ')} with the element types and shapes that models.lock.json has.`,
    });
  }
}

function readLock(path: string): Lock {
  try {
    return parseLock(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new GlowplugError('LOCK_STALE', `expected the lock file at ${path}, it cannot be read`, { cause });
  }
}
