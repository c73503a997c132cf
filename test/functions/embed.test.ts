// The embed function in this process with the toy encoder: the way from text to vector, whatever the encoder.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Model } from 'glowplug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embed } from '../../functions/embed/embed.ts';
import toyEncoder from '../../models/toy-encoder.ts';
import type { InferenceHandler } from '../../src/inference.ts';
import { type Tensors, tensor } from '../../src/tensor/tensor.ts';
import { difference } from '../../src/testing/samples.ts';
import { root } from '../root.ts';
import { publishHere } from './publish-here.ts';

let models: AsyncDisposable;
let handler: InferenceHandler;

beforeAll(async () => {
  models = await publishHere(toyEncoder);
  ({ handler } = await import('../../functions/embed/function.ts'));
});
afterAll(() => models?.[Symbol.asyncDispose]());

const folder = join(root, 'models/toy-encoder');

describe('functions/embed', () => {
  it('answers its sample with its golden answer: a vector of length 1 a text', async () => {
    const { body, tolerance } = JSON.parse(await readFile(join(root, 'functions/embed/answer.golden.json'), 'utf8'));
    const { texts } = JSON.parse(await readFile(join(root, 'functions/embed/request.json'), 'utf8'));
    const answer = await ask(texts);
    expect(difference(body, answer, tolerance)).toBeUndefined();
    for (const vector of answer.embeddings) expect(dot(vector, vector)).toBeCloseTo(1, 5);
  });

  it('puts texts that share words closer than texts that do not', async () => {
    const { embeddings } = await ask([
      'please send the report before the meeting',
      'send me the report before our meeting please',
      'kernel source code will not compile',
    ]);
    const [near, far] = [dot(embeddings[0]!, embeddings[1]!), dot(embeddings[0]!, embeddings[2]!)];
    expect(near).toBeGreaterThan(0.85);
    expect(far).toBeLessThan(near - 0.2);
  });

  it('answers each text of a batch as it answers it alone, in the order that they came', async () => {
    const texts = ['a', 'the free software list', 'x y z'.repeat(4), 'mail', 'one two three four five six seven'];
    const together = await ask(texts);
    for (const [at, text] of texts.entries()) {
      const alone = await ask([text]);
      for (const [d, value] of alone.embeddings[0]!.entries())
        expect(together.embeddings[at]![d]).toBeCloseTo(value, 5);
      expect(together.tokens[at]).toBe(alone.tokens[0]);
    }
  });

  it('reads a text that is longer than the encoder reads at once in windows, to its end', async () => {
    const long = `${'free software '.repeat(60)}`;
    const [short, windowed, other] = [
      await ask(['free software']),
      await ask([long]),
      await ask([`${long}${'mail list '.repeat(60)}`]),
    ];
    expect(windowed.windows[0]).toBeGreaterThan(1);
    expect(dot(windowed.embeddings[0]!, short.embeddings[0]!)).toBeGreaterThan(0.9);
    expect(dot(windowed.embeddings[0]!, other.embeddings[0]!)).toBeLessThan(0.95);
  });

  it('refuses more texts than it takes at once', async () => {
    const response = await post(Array.from({ length: 65 }, () => 'a'));
    expect(response.status).toBe(413);
  });
});

describe('embed with another encoder', () => {
  const files: Record<string, string> = {
    'tokenizer.json': 'tokenizer.json',
    'tokenizer_config.json': 'tokenizer_config.json',
  };

  it('feeds token_type_ids where they are asked for, and takes pooled sentences as they are', async () => {
    const { model, fed } = standIn(['input_ids', 'attention_mask', 'token_type_ids'], (rows) => ({
      sentence_embedding: tensor(
        'FP32',
        [rows, 2],
        Float32Array.from({ length: 2 * rows }, (_, at) => (at % 2 ? 4 : 3)),
      ),
    }));
    const [first] = await embed(['free software'], model);
    expect(Object.keys(fed[0]!)).toEqual(['input_ids', 'attention_mask', 'token_type_ids']);
    expect([...first!.vector]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
  });

  it('pools as pooling.json says', async () => {
    const pooling = JSON.stringify({ pooling_mode_cls_token: true, pooling_mode_mean_tokens: false });
    const { model } = standIn(
      ['input_ids', 'attention_mask'],
      (rows, tokens) => ({
        last_hidden_state: tensor(
          'FP32',
          [rows, tokens, 1],
          Float32Array.from({ length: rows * tokens }, (_, at) => (at === 0 ? 1 : -5)),
        ),
      }),
      { 'pooling.json': pooling },
    );
    expect([...(await embed(['free software'], model))[0]!.vector]).toEqual([1]);
  });

  it.each([
    ['inputs that are no text’s', ['pixels'], /pixels/],
    ['no output of vectors', ['input_ids'], /last_hidden_state/],
  ])('refuses one with %s', async (_what, inputs, message) => {
    const { model } = standIn(inputs, () => ({ logits: tensor('FP32', [1], Float32Array.of(1)) }));
    await expect(embed(['a'], model)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });

  let made = 0;
  function standIn(
    inputs: readonly string[],
    answer: (rows: number, tokens: number) => Tensors,
    more: Record<string, string> = {},
  ) {
    const fed: Tensors[] = [];
    const digest = `stand-in ${made++}`;
    const spec = { datatype: 'INT64', shape: ['batch', 'sequence'] };
    const model = {
      reference: 'stand-in:prod',
      locked: async () => ({ digest, files: { ...files, ...more } }),
      signature: async () => ({ inputs: Object.fromEntries(inputs.map((name) => [name, spec])), outputs: {} }),
      text: async (file: string) => more[file] ?? (await readFile(join(folder, file), 'utf8')),
      run: async (feeds: Tensors) => {
        fed.push(feeds);
        const [rows = 0, tokens = 0] = feeds['input_ids']!.shape;
        return answer(rows, tokens);
      },
    };
    // A stand-in with the parts that embed uses.
    return { fed, model: model as unknown as Model };
  }
});

it('the toy encoder is written byte for byte as it is committed', async () => {
  const out = await mkdtemp(join(tmpdir(), 'glowplug-toy-'));
  try {
    execFileSync(process.execPath, ['--conditions=glowplug-source', join(folder, 'make.ts'), out]);
    for (const file of ['model.onnx', 'tokenizer.json', 'tokenizer_config.json']) {
      expect(await readFile(join(out, file), 'hex'), file).toBe(await readFile(join(folder, file), 'hex'));
    }
  } finally {
    await rm(out, { recursive: true, force: true });
  }
});

interface Answer {
  readonly embeddings: readonly (readonly number[])[];
  readonly tokens: readonly number[];
  readonly windows: readonly number[];
}

async function ask(texts: readonly string[]): Promise<Answer> {
  const body: Answer = JSON.parse(await (await post(texts)).text());
  return body;
}

async function post(texts: readonly string[]): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ texts });
  return await handler.fetch(new Request('http://localhost/', { method: 'POST', headers, body }));
}

function dot(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, at) => sum + value * other[at]!, 0);
}
