// The held-out e-mails, and whether the classifier calls them what they are.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tensor } from 'glowplug';
import type { Metric, Sample } from 'glowplug/release';
import { readHeldOut } from './held-out.ts';

export const metric: Metric = {
  name: 'accuracy',
  better: 'higher',
  binary: true,
  count: ({ probability }, label) => [Number(probability?.data[0] ?? 0) >= 0.5 === label ? 1 : 0, 1],
  value: ([right = 0, all = 0]) => right / all,
};

export function* samples(): Generator<Sample> {
  const rows = readHeldOut(readFileSync(join(import.meta.dirname, 'held-out.bin')));
  for (const [at, { words, spam }] of rows.entries()) {
    // A mail without a word that the model knows is a row of one word that is none.
    const x = words.length > 0 ? BigInt64Array.from(words, (word) => BigInt(word + 1)) : BigInt64Array.of(0n);
    yield { name: `mail ${at}`, feeds: { words: tensor('INT64', [1, x.length], x) }, label: spam };
  }
}
