// The figures of docs/decisions/ocr-spaces.md, over committed pages that the rule was not made with.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detect } from '../../functions/ocr/detect.ts';
import { readLine } from '../../functions/ocr/read-line.ts';
import { readingOrder } from '../../functions/ocr/reading-order.ts';
import { strip } from '../../functions/ocr/strip.ts';
import { ctcGreedy, normalize, type RawImage } from '../../src/process/index.ts';
import { openOcr, picture } from './ocr-models.ts';

const pages: Record<string, readonly string[]> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'ocr-pages/lines.json'), 'utf8'),
);

let ocr: Awaited<ReturnType<typeof openOcr>>;
beforeAll(async () => {
  ocr = await openOcr();
});
afterAll(() => ocr?.[Symbol.asyncDispose]());

describe('spaces between words', () => {
  it('are right in 19 of 20 rendered lines, and in more than the plain decoder gets right', async () => {
    const counts = { lines: 0, plain: 0, ours: 0 };
    for (const [name, truth] of Object.entries(pages)) {
      const page = await picture(`ocr-pages/${name}.png`);
      const ours = (await ocr.read(page)).map(({ text }) => text);
      const plain = await readPlainly(page);
      counts.lines += truth.length;
      counts.plain += truth.filter((text, i) => spacesOf(plain[i]) === spacesOf(text)).length;
      counts.ours += truth.filter((text, i) => spacesOf(ours[i]) === spacesOf(text)).length;
    }
    console.log(`spaces right: plain ${counts.plain}, ours ${counts.ours} of ${counts.lines} lines`);
    expect(counts.lines).toBeGreaterThanOrEqual(60);
    expect(counts.ours / counts.lines).toBeGreaterThanOrEqual(0.95);
    expect(counts.ours).toBeGreaterThan(counts.plain);
  }, 60_000);

  const characters = ['', 'a', 'b', ' '];
  /** Steps of [blank, a, b, space]; the letters' gap is in steps 1 and 2. */
  const gapOf = (space: number) =>
    Float32Array.of(0, 1, 0, 0, ...[0, 1].flatMap(() => [1 - space, 0, 0, space]), 0, 0, 1, 0);
  const closed = new Uint8Array(32).fill(1);

  it('stand where the space is likely, though the blank wins', () => {
    expect(readLine(gapOf(0.2), characters, closed).text).toBe('a b');
  });

  it('do not stand on a small probability alone', () => {
    expect(readLine(gapOf(0.05), characters, closed).text).toBe('ab');
  });

  it('stand on a small probability where the pixels show a gap wider than the line’s usual one', () => {
    const letters = Float32Array.of(...gapOf(0), ...gapOf(0.05), ...gapOf(0));
    const ink = new Uint8Array(96).fill(1);
    ink.fill(0, 44, 54);
    expect(readLine(letters, characters, ink).text).toBe('aba bab');
    expect(readLine(letters, characters, new Uint8Array(96).fill(1)).text).toBe('ababab');
  });

  it('are never written at the ends of a line', () => {
    expect(readLine(Float32Array.of(0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1), characters, closed).text).toBe('a');
  });
});

describe('punctuation', () => {
  it('is half-width in a line without Chinese or Japanese characters', () => {
    const wide = (characters: string[]) =>
      readLine(Float32Array.of(0, 1, 0, 0, 0, 0, 1, 0), characters, new Uint8Array(16));
    expect(wide(['', 'a', '，', ' ']).text).toBe('a,');
    expect(wide(['', '字', '，', ' ']).text).toBe('字，');
  });
});

/** PaddleOCR's way: the crop as detected, the best class of each step. */
async function readPlainly(page: RawImage): Promise<string[]> {
  const characters = ['', ...(await ocr.rec.text('keys.txt')).trimEnd().split('\n'), ' '];
  const lines = [];
  for (const box of await detect(page, ocr.det)) {
    const x = normalize([strip(page, box, 48, 3200)], {
      mean: [0.5, 0.5, 0.5],
      deviation: [0.5, 0.5, 0.5],
      order: 'bgr',
    });
    const { 'softmax_11.tmp_0': output } = await ocr.rec.run({ x });
    const symbols = ctcGreedy(output.data, characters.length);
    lines.push({
      box,
      text: symbols
        .map(({ index }) => characters[index])
        .join('')
        .trim(),
    });
  }
  return readingOrder(lines).map(({ text }) => text);
}

/** Before which characters spaces stand: a misread letter does not matter here. */
function spacesOf(text = '?'): string {
  let letters = 0;
  const before: number[] = [];
  for (const character of text) {
    if (character === ' ') before.push(letters);
    else letters++;
  }
  return before.join();
}
