// The iris function in this process: its own model in a folder store, real onnxruntime.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import iris from '../../models/iris.ts';
import type { InferenceHandler } from '../../src/inference.ts';
import { root } from '../root.ts';
import { publishHere } from './publish-here.ts';

const sample = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 };
let models: AsyncDisposable;
let handler: InferenceHandler;

beforeAll(async () => {
  models = await publishHere(iris);
  ({ handler } = await import('../../functions/iris/function.ts'));
});
afterAll(() => models?.[Symbol.asyncDispose]());

describe('functions/iris', () => {
  it('answers its sample request with its golden answer', async () => {
    const golden = JSON.parse(await readFile(join(root, 'functions/iris/answer.golden.json'), 'utf8'));
    const request = JSON.parse(await readFile(join(root, 'functions/iris/request.json'), 'utf8'));
    const { status, body } = await post(request);
    expect(status).toBe(golden.status);
    expect(body.class).toBe(golden.body.class);
    for (const [name, probability] of Object.entries(golden.body.probabilities)) {
      expect(Math.abs(body.probabilities[name]! - Number(probability))).toBeLessThanOrEqual(golden.tolerance);
    }
  });

  it.each([
    ['versicolor', { sepalLength: 6, sepalWidth: 2.9, petalLength: 4.5, petalWidth: 1.5 }],
    ['virginica', { sepalLength: 6.3, sepalWidth: 3.3, petalLength: 6, petalWidth: 2.5 }],
  ])('names a %s', async (name, lengths) => {
    expect((await post(lengths)).body.class).toBe(name);
  });

  it.each([
    ['a length that is absent', { ...sample, petalWidth: undefined }, 'petalWidth'],
    ['a length as text', { ...sample, petalWidth: '0.2' }, 'petalWidth'],
    ['a length of zero', { ...sample, sepalLength: 0 }, 'sepalLength'],
    ['a length in millimetres', { ...sample, sepalLength: 51 }, 'sepalLength'],
    ['null', null, 'body'],
  ])('refuses %s with a 400 that names the field, and goes on answering', async (_what, lengths, field) => {
    const { status, body } = await post(lengths);
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain(field);
    expect((await post(sample)).status).toBe(200);
  });
});

interface Answer {
  readonly class: string;
  readonly probabilities: Readonly<Record<string, number>>;
}

async function post(lengths: unknown): Promise<{ status: number; body: Answer }> {
  const response = await handler.fetch(
    new Request('http://localhost/', { method: 'POST', body: JSON.stringify(lengths) }),
  );
  const body: Answer = JSON.parse(await response.text());
  return { status: response.status, body };
}
