// A version whose weights stand apart, and a store in memory that gives them when a test lets it.

import { blobKey } from '../../src/models/blob-key.ts';
import { chunksOf } from '../../src/models/chunks.ts';
import { buildManifest } from '../../src/models/manifest.ts';
import type { ReadableStore } from '../../src/models/stores/store.ts';
import { weightsFile } from '../../src/models/version.ts';
import { signature } from './tiny-version.ts';

export const weights = Buffer.alloc(5 * 1024 * 1024);
for (let at = 0; at < weights.length; at += 4) weights.writeUInt32LE((at * 2654435761) >>> 0, at);

export const splitVersion = buildManifest({
  model: 'split',
  version: '1.0.0',
  license: 'MIT',
  files: { 'model.onnx': Buffer.from('a graph'), [weightsFile]: weights, 'labels.txt': Buffer.from('a\nb\n') },
  chunks: { [weightsFile]: chunksOf(weights) },
  signature,
});

export function gatedStore(options: { gate?: Promise<void>; flip?: number } = {}) {
  const blobs = new Map<string, Uint8Array>();
  for (const [digest, content] of splitVersion.blobs) {
    if (content instanceof Uint8Array) blobs.set(blobKey('split', digest), content);
  }
  const asked: string[] = [];
  const store: ReadableStore = {
    name: 'memory',
    async get(key, { range, onSent } = {}) {
      const whole = blobs.get(key);
      if (!whole) return undefined;
      asked.push(key);
      onSent?.();
      const [first, last] = range ?? [0, whole.length - 1];
      const bytes = Uint8Array.from(whole.subarray(first, last + 1));
      const isWeights = whole.length === weights.length;
      if (isWeights && options.flip !== undefined && options.flip >= first) bytes[options.flip - first]! ^= 1;
      return {
        etag: '"e"',
        size: whole.length,
        body: ReadableStream.from(give(bytes, isWeights ? options.gate : undefined)),
      };
    },
  };
  return { store, asked };
}

async function* give(bytes: Uint8Array, gate: Promise<void> | undefined): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, bytes.length >> 1);
  await gate;
  yield bytes.subarray(bytes.length >> 1);
}
