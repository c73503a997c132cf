// Says how likely a text is spam: text in, probability and telling words out.
import { inference, tensor, text } from 'glowplug';
import { words } from './words.ts';

/** Words to name: enough to see why. */
const TELLING = 8;

export const handler = inference({
  models: { spam: 'spam:prod' },
  input: text({ maxCharacters: 200_000 }),
  async predict({ text }, { spam }) {
    const numbers = numbersOf(await spam.text('vocabulary.txt'));
    const known = words(text).filter((word) => numbers.has(word));
    const row = BigInt64Array.from(known, (word) => BigInt(numbers.get(word) ?? 0));
    // A text without a word that the model knows is a row of one word that is none.
    const x = row.length > 0 ? row : BigInt64Array.of(0n);
    const { probability, contributions } = await spam.run({ words: tensor('INT64', [1, x.length], x) });
    const weighed = known.map((word, at) => ({ word, logOdds: contributions.data[at]! }));
    const telling = weighed.sort((a, b) => Math.abs(b.logOdds) - Math.abs(a.logOdds)).slice(0, TELLING);
    return { probability: probability.data[0]!, words: known.length, telling };
  },
  // How long and how likely spam, never a word of it.
  capture: {
    percent: 10,
    of: ({ text }, { probability, words }) => ({
      characters: text.length,
      words,
      probability,
      spam: probability >= 0.5,
    }),
  },
  encode: ({ probability, words, telling }) =>
    Response.json({
      spam: probability >= 0.5,
      probability: rounded(probability),
      words,
      telling: telling.map(({ word, logOdds }) => ({ word, logOdds: rounded(logOdds) })),
    }),
});

/** Line in vocabulary.txt, from 1, by word. */
function numbersOf(vocabulary: string): Map<string, number> {
  return new Map(
    vocabulary
      .trimEnd()
      .split('\n')
      .map((word, at) => [word, at + 1]),
  );
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
