// What this repository's app does wherever it runs: the same checks in the local cloud, by npm test, and on AWS, by npm run test:aws.
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { AwsClient } from 'aws4fetch';
import { expect, it } from 'vitest';
import { history } from '../../src/models/history.ts';
import { publish } from '../../src/models/publish.ts';
import { resolve } from '../../src/models/resolve.ts';
import { rollback } from '../../src/models/rollback.ts';
import type { Store } from '../../src/models/stores/store.ts';
import { tag } from '../../src/models/tag.ts';
import { answerBody, difference, readSamples } from '../../src/testing/samples.ts';
import { root } from '../root.ts';
import { adder } from '../versions/adder.ts';

export interface LiveApp {
  readonly region: string;
  readonly credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  readonly lambda: LambdaClient;
  readonly store: Store;
  /** Of a function's URL. */
  url(name: string): string;
  /** Name or ARN by which Lambda is asked for it. */
  functionName(name: string): string;
}

/** Within a describe; `app` is asked for when a test runs. */
export function liveApp(app: () => LiveApp): void {
  const samples = readSamples(root);

  it.each(samples)('$name answers its sample through its signed URL as the golden answer says', async (sample) => {
    const { credentials, region, url } = app();
    const signer = new AwsClient({ ...credentials, region, service: 'lambda', retries: 0 });
    const headers = { 'content-type': sample.contentType };
    const response = await signer.fetch(url(sample.name), { method: 'POST', headers, body: sample.body });
    const body = answerBody(response.headers.get('content-type') ?? '', await response.bytes());
    const { golden } = sample;
    expect({ status: response.status, difference: difference(golden?.body, body, golden?.tolerance ?? 0) }).toEqual({
      status: golden?.status,
      difference: undefined,
    });
  });

  it('refuses a request to a URL that is not signed', async () => {
    expect((await fetch(app().url('iris'), { method: 'POST', body: '{}' })).status).toBe(403);
  });

  it('answers the Lambda client, at once and later', async () => {
    const { lambda, functionName } = app();
    const sample = samples.find(({ name }) => name === 'iris')!;
    const FunctionName = functionName('iris');
    const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: sample.body }));
    expect(answer.FunctionError).toBeUndefined();
    const body = JSON.parse(Buffer.from(answer.Payload!).toString());
    expect(difference(sample.golden?.body, body, sample.golden?.tolerance ?? 0)).toBeUndefined();
    const refused = await lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from('{}') }));
    expect(refused.FunctionError).toBe('Unhandled');
    expect(JSON.parse(Buffer.from(refused.Payload!).toString())).toMatchObject({ errorType: 'INPUT_SCHEMA' });
    const later = await lambda.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: sample.body }));
    expect(later.StatusCode).toBe(202);
  });

  it('its store takes versions, moves a channel and takes it back, and writes its history', async () => {
    const { store } = app();
    for (const built of [adder(1), adder(2)]) {
      await publish(store, built);
      await tag(store, 'adder', { from: built.locked.version, to: 'prod', by: 'the suite' });
    }
    expect((await resolve(store, 'adder:prod')).version).toBe('2.0.0');
    await rollback(store, 'adder', { channel: 'prod', by: 'the suite' });
    expect((await resolve(store, 'adder:prod')).digest).toBe(adder(1).locked.digest);
    const moves = await Array.fromAsync(history(store, 'adder'));
    expect(moves.filter(({ tag }) => tag === 'prod').map(({ kind }) => kind)).toContain('rollback');
  });
}
