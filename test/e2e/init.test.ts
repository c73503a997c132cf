// How init ends, in a real process of AWS's runtime client: before the models are there, or when they are.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { LocalCloud } from '../../src/testing/index.ts';
import { listen } from '../../src/testing/listen.ts';
import { FunctionLog } from '../../src/testing/runtime/function-log.ts';
import { root } from '../root.ts';
import { harness, where } from '../testing/runtime/harness.ts';
import { coldIris } from './cold-iris.ts';
import { gatedS3 } from './gated-s3.ts';

describe('init', () => {
  const iris = coldIris();
  const fleetOf = () =>
    harness({ where: { ...where, credentials: iris.cloud.credentials, region: iris.cloud.region } });

  it('ends before the models are there: they come in the first invocation, which answers', async () => {
    await using s3 = await gatedS3(iris.cloud.s3Endpoint);
    await using own = fleetOf();
    const local = own.fleet.add({
      ...iris.spec,
      environment: { ...iris.spec.environment, AWS_ENDPOINT_URL_S3: s3.url },
    });
    const answering = local.invoke({ payload: iris.payload });
    await s3.asked;
    // Init has ended and the invocation runs, while not a byte of the model has come.
    while (!/START RequestId|platform\.start/.test(local.log.text)) await setImmediate();
    s3.open();
    expect((await answering).kind).toBe('response');
    expect(local.log.text).not.toContain('"level":"ERROR"');
  }, 60_000);

  it('of init.handler ends when they are, where a snapshot is taken; what is made of it answers with new credentials', async () => {
    await using s3 = await gatedS3(iris.cloud.s3Endpoint);
    await using source = await credentialSource(iris.cloud.credentials);
    await using own = fleetOf();
    using code = asSnapStart(iris.spec.codeFolder, source.url);
    const environment = { ...iris.spec.environment, AWS_ENDPOINT_URL_S3: s3.url };
    const log = new FunctionLog();
    const started = own.fleet.create(
      { ...iris.spec, codeFolder: code.path, handler: 'snap.handler', environment },
      log,
    );
    let ended = false;
    const init = started.init().then(() => {
      ended = true;
    });
    await s3.asked;
    expect(ended).toBe(false);
    s3.open();
    await init;
    const [before, asked] = [s3.requests, source.asked];

    started.freeze();
    s3.dropConnections();
    source.dropConnections();
    const { outcome, free } = await started.invoke({ payload: iris.payload });
    expect(outcome.kind).toBe('response');
    await free;
    expect(log.text).toContain('restored from a snapshot');
    // Nobody waited for a model, and the cold start that was is not told.
    expect([s3.requests, source.asked]).toEqual([before, asked]);
    expect(log.text).not.toContain('"message":"cold start"');
    await started.end();
  }, 60_000);
});

/** The bundle again, with what Lambda would say in its variables. */
function asSnapStart(bundle: string, credentialsUrl: string) {
  // Inside the repository, so that onnxruntime is found as the bundle itself finds it.
  const parent = join(root, '.glowplug');
  mkdirSync(parent, { recursive: true });
  const path = mkdtempSync(join(parent, 'snap-'));
  cpSync(bundle, path, { recursive: true });
  const lines = [
    "process.env.AWS_LAMBDA_INITIALIZATION_TYPE = 'snap-start';",
    `process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = '${credentialsUrl}';`,
    'delete process.env.AWS_ACCESS_KEY_ID;',
    "export const { handler } = await import('./init.mjs');",
  ];
  writeFileSync(join(path, 'snap.mjs'), lines.join('\n'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

async function credentialSource({ accessKeyId, secretAccessKey }: LocalCloud['credentials']) {
  let asked = 0;
  const server = createServer((_message, response) => {
    asked++;
    response.end(JSON.stringify({ AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey }));
  });
  const bound = await listen(server, 0);
  return {
    ...bound,
    dropConnections: () => server.closeAllConnections(),
    get asked() {
      return asked;
    },
  };
}
