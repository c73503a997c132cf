// Following where it is used: AWS's own runtime client in a process that is frozen between invocations, and S3.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { serializeLock } from '../../src/models/lock.ts';
import { publish } from '../../src/models/publish.ts';
import { s3Store } from '../../src/models/stores/s3.ts';
import { tag } from '../../src/models/tag.ts';
import { startLocalCloud } from '../../src/testing/index.ts';
import { testApp } from '../testing/app.ts';
import { adder, notOnnx } from './adder.ts';
import { bundleAdder } from './bundle-adder.ts';

it('a moved channel reaches a frozen environment within a few invocations, a corrupt one never, and none of them fails', async () => {
  using app = testApp({});
  writeFileSync(
    join(app.root, 'lock.json'),
    serializeLock({ lockVersion: 1, models: { 'adder:prod': adder(1).locked } }),
  );
  app.write(
    'followed',
    await bundleAdder(
      `{ model: 'adder:prod', follow: { every: 0.001 } }`,
      'return { added: y.data[0], pid: process.pid };',
    ),
    {
      MemorySize: 512,
      Environment: {
        Variables: {
          GLOWPLUG_STORE: { 'Fn::Join': ['', ['s3://', { Ref: 'Models' }]] },
          GLOWPLUG_LOCK: join(app.root, 'lock.json'),
        },
      },
    },
  );
  await using cloud = await startLocalCloud({ root: app.root });
  const store = await s3Store(
    { bucket: 'a-models', prefix: '', region: cloud.region, endpoint: cloud.s3Endpoint },
    { credentials: cloud.credentials },
  );
  await move(adder(1));

  const pids = new Set<number>();
  const invocations: number[] = [];
  await answers(1, 1);
  for (const number of [2, 3]) {
    await move(adder(number));
    invocations.push(await answers(number, 100));
  }
  await move(notOnnx(4));
  for (let request = 0; request < 10; request++) await answers(3, 1);
  // Back, which opens nothing.
  await tag(store, 'adder', { from: '2.0.0', to: 'prod' });
  invocations.push(await answers(2, 100));

  console.log(`invocations until a moved channel answered, in one frozen environment: ${invocations.join(', ')}`);
  expect(pids.size).toBe(1);
  expect(
    cloud
      .function('followed')
      .logs()
      .match(/names sha256:\w+, which cannot be loaded/g),
  ).toHaveLength(1);

  async function move(built: ReturnType<typeof adder>): Promise<void> {
    await publish(store, built);
    await tag(store, 'adder', { from: built.locked.version, to: 'prod' });
  }

  /** Asks until that version answers; returns how often. */
  async function answers(number: number, most: number): Promise<number> {
    for (let asked = 1; asked <= most; asked++) {
      const response = await cloud.function('followed').fetch('/', { method: 'POST', body: '{}' });
      expect(response.status).toBe(200);
      const { added, pid } = (await response.json()) as { added: number; pid: number };
      pids.add(pid);
      expect(response.headers.get('x-glowplug-model')).toContain(`m=adder:${added}.0.0@sha256:`);
      if (added === number) return asked;
    }
    throw new Error(`version ${number} did not answer within ${most} invocations`);
  }
}, 60_000);
