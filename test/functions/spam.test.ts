// The spam function in this process: its own model, real onnxruntime.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import spam from '../../models/spam.ts';
import type { InferenceHandler } from '../../src/inference.ts';
import { difference } from '../../src/testing/samples.ts';
import { root } from '../root.ts';
import { publishHere } from './publish-here.ts';

let models: AsyncDisposable;
let handler: InferenceHandler;

beforeAll(async () => {
  models = await publishHere(spam);
  ({ handler } = await import('../../functions/spam/function.ts'));
});
afterAll(() => models?.[Symbol.asyncDispose]());

const letter =
  'Hi Tom, the patch applies cleanly but the kernel still panics on boot. I wrote down the stack trace, see below. Anyone else?';

describe('functions/spam', () => {
  it('answers its sample with its golden answer', async () => {
    const { body, tolerance } = JSON.parse(await readFile(join(root, 'functions/spam/answer.golden.json'), 'utf8'));
    const answer = await ask(await readFile(join(root, 'functions/spam/request.txt'), 'utf8'));
    expect(answer.status).toBe(200);
    expect(difference(body, answer.body, tolerance)).toBeUndefined();
  });

  it('lets a letter through, as JSON or plain, and names the words that speak for it', async () => {
    const { body } = await ask(letter);
    expect(body).toMatchObject({ spam: false });
    expect(body.probability).toBeLessThan(0.1);
    expect(body.telling.filter(({ logOdds }) => logOdds < 0).length).toBeGreaterThan(4);
    expect((await ask(JSON.stringify({ text: letter }), 'application/json')).body).toEqual(body);
  });

  it('names telling words in the order of their weight, and only words of the text', async () => {
    const { body } = await ask(letter);
    const weights = body.telling.map(({ logOdds }) => Math.abs(logOdds));
    expect(weights).toEqual(weights.toSorted((a, b) => b - a));
    for (const { word } of body.telling) expect(letter.toLowerCase()).toContain(word);
  });

  it('answers with the share of spam that it learnt where it knows no word', async () => {
    const { status, body } = await ask('漢字 xqzzy');
    expect(status).toBe(200);
    expect(body).toMatchObject({ words: 0, telling: [] });
    expect(body.probability).toBeGreaterThan(0);
    expect(body.probability).toBeLessThan(1);
  });

  it.each([
    ['no text', '', 'INPUT_EMPTY'],
    ['a text of more than 200,000 characters', 'a '.repeat(100_001), 'INPUT_TOO_LARGE'],
  ])('refuses %s', async (_what, text, code) => {
    const response = await handler.fetch(new Request('http://localhost/', { method: 'POST', body: text }));
    expect(JSON.parse(await response.text())).toMatchObject({ code });
  });
});

interface Answer {
  readonly spam: boolean;
  readonly probability: number;
  readonly words: number;
  readonly telling: readonly { readonly word: string; readonly logOdds: number }[];
}

async function ask(text: string, contentType = 'text/plain'): Promise<{ status: number; body: Answer }> {
  const response = await handler.fetch(
    new Request('http://localhost/', { method: 'POST', headers: { 'content-type': contentType }, body: text }),
  );
  const body: Answer = JSON.parse(await response.text());
  return { status: response.status, body };
}
