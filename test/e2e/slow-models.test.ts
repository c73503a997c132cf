// Models that come long after init: nothing of them is lost, and the first request is answered.
import { createServer, request } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../src/testing/cloud.ts';
import { CloudFunction } from '../../src/testing/cloud-function.ts';
import { listen } from '../../src/testing/listen.ts';
import { readSamples } from '../../src/testing/samples.ts';
import { root } from '../root.ts';
import { harness, where } from '../testing/runtime/harness.ts';

describe('init that ends before the models are there', () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await startLocalCloud({ root });
  }, 120_000);
  afterAll(async () => await cloud?.[Symbol.asyncDispose]());

  it('goes on in the first invocation, which answers', async () => {
    const running = cloud.function('iris');
    const sample = readSamples(root).find(({ name }) => name === 'iris');
    if (!(running instanceof CloudFunction) || !sample) throw new Error('iris runs here and has a sample');
    const gate = Promise.withResolvers<void>();
    await using s3 = await gatedS3(cloud.s3Endpoint, gate.promise);
    await using own = harness({ where: { ...where, credentials: cloud.credentials, region: cloud.region } });
    const environment = { ...running.spec.environment, AWS_ENDPOINT_URL_S3: s3.url };
    const local = own.fleet.add({ ...running.spec, environment });

    const answering = local.invoke({ payload: sample.body });
    await s3.asked;
    // Init has ended and the invocation runs, while not a byte of the model has come.
    while (!/START RequestId|platform\.start/.test(local.log.text)) await setImmediate();
    gate.resolve();
    const outcome = await answering;
    expect(outcome.kind).toBe('response');
    expect(local.log.text).not.toContain('"level":"ERROR"');
  }, 60_000);
});

/** Passes everything on, but holds what is of a model until `gate` opens. */
async function gatedS3(target: string, gate: Promise<void>) {
  const asked = Promise.withResolvers<void>();
  const server = createServer((message, response) => {
    asked.resolve();
    void gate.then(() => {
      // The host is part of the signature.
      const options = { method: message.method, path: message.url, headers: message.headers };
      const passed = request(target, options, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      passed.on('error', () => response.destroy());
      message.pipe(passed);
    });
  });
  const bound = await listen(server, 0);
  return { ...bound, asked: asked.promise };
}
