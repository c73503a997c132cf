// The function in the local cloud: the bundle, the runtime and the rules that it will meet on Lambda.
import { readFile } from 'node:fs/promises';
import { startLocalCloud } from 'glowplug/testing';
import { expect, it } from 'vitest';

const limitMs = 120_000;

it(
  'answers its sample request with every output',
  async () => {
    await using cloud = await startLocalCloud();
    const answer = await cloud.function('__name__').fetch('/', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: await readFile('functions/__name__/request.json'),
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ outputs: '__outputs__'.split(', ').map((name) => ({ name })) });
  },
  limitMs,
);
