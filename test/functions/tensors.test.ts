// The tensors function in this process: what a client of the Open Inference Protocol sees of it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import iris from '../../models/iris.ts';
import type { InferenceHandler } from '../../src/inference.ts';
import { difference } from '../../src/testing/samples.ts';
import { root } from '../root.ts';
import { publishHere } from './publish-here.ts';

let models: AsyncDisposable;
let handler: InferenceHandler;

beforeAll(async () => {
  models = await publishHere(iris);
  ({ handler } = await import('../../functions/tensors/function.ts'));
});
afterAll(() => models?.[Symbol.asyncDispose]());

describe('functions/tensors', () => {
  it.each(['/', '/v2/models/iris/infer'])('answers its sample at %s with its golden answer', async (path) => {
    const { body, tolerance } = JSON.parse(await readFile(join(root, 'functions/tensors/answer.golden.json'), 'utf8'));
    const answer = await ask(path, await readFile(join(root, 'functions/tensors/request.json'), 'utf8'));
    expect(answer.status).toBe(200);
    expect(difference(body, answer.body, tolerance)).toBeUndefined();
  });

  it('tells the signature of its model, and that it is ready', async () => {
    expect(await ask('/v2/models/iris')).toMatchObject({
      status: 200,
      body: { name: 'iris', inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }] },
    });
    expect((await ask('/v2/health/ready')).status).toBe(200);
  });

  it.each([
    ['an input of another name', { name: 'y', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }, /x/],
    [
      'an element type that the model does not take',
      { name: 'x', datatype: 'INT64', shape: [1, 4], data: [1, 2, 3, 4] },
      /FP32/,
    ],
    ['a shape that the model does not take', { name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }, /4/],
  ])('refuses %s with a 400 that says what was expected', async (_what, input, expected) => {
    const { status, body } = await ask('/', JSON.stringify({ inputs: [input] }));
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'INPUT_TENSOR', error: expect.stringMatching(expected) });
  });
});

async function ask(path: string, body?: string): Promise<{ status: number; body: unknown }> {
  const response = await handler.fetch(
    new Request(`http://localhost${path}`, body === undefined ? {} : { method: 'POST', body }),
  );
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}
