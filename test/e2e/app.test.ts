// This repository's own app in the local cloud: what `npm start` shows.
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../src/testing/cloud.ts';
import { difference, readSamples } from '../../src/testing/samples.ts';
import { root } from '../root.ts';

describe('the app in the local cloud', () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await startLocalCloud({ root });
  }, 120_000);
  afterAll(async () => await cloud?.[Symbol.asyncDispose]());

  const samples = readSamples(root);

  it('has a sample with a golden answer for each function', () => {
    expect(samples.map(({ name }) => name)).toEqual(cloud.functions.toSorted());
    expect(samples.filter(({ golden }) => !golden)).toEqual([]);
  });

  it.each(samples)('$name answers its sample through its URL as the golden answer says', async (sample) => {
    const response = await cloud
      .function(sample.name)
      .fetch('/', { method: 'POST', headers: { 'content-type': sample.contentType }, body: sample.body });
    const body: unknown = await response.json();
    expect({
      status: response.status,
      difference: difference(sample.golden?.body, body, sample.golden?.tolerance ?? 0),
    }).toEqual({
      status: sample.golden?.status,
      difference: undefined,
    });
  });

  it('answers the real Lambda client', async () => {
    const client = new LambdaClient({
      endpoint: cloud.endpoint,
      region: cloud.region,
      credentials: { ...cloud.credentials },
    });
    const sample = samples.find(({ name }) => name === 'iris')!;
    try {
      const answer = await client.send(new InvokeCommand({ FunctionName: 'iris', Payload: sample.body }));
      expect(answer.FunctionError).toBeUndefined();
      expect(
        difference(sample.golden?.body, JSON.parse(Buffer.from(answer.Payload!).toString()), 0.02),
      ).toBeUndefined();
      const refused = await client.send(new InvokeCommand({ FunctionName: 'iris', Payload: Buffer.from('{}') }));
      expect(refused.FunctionError).toBe('Unhandled');
      expect(JSON.parse(Buffer.from(refused.Payload!).toString())).toMatchObject({ errorType: 'INPUT_SCHEMA' });
    } finally {
      client.destroy();
    }
  });

  it('refuses a request to the URL that is not signed', async () => {
    const response = await fetch(cloud.function('iris').url, { method: 'POST', body: '{}' });
    expect(response.status).toBe(403);
  });
});
