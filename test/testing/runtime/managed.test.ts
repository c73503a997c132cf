// Lambda Managed Instances: many requests at once in one environment, through the runtime client's worker threads.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { behaviour } from '../behaviour.ts';
import { harness } from './harness.ts';

const managed = (maxConcurrency = 8, workers = 2) => ({
  managed: { maxConcurrency, vcpus: 1 },
  memoryMb: 2048,
  environment: { AWS_LAMBDA_NODEJS_WORKER_COUNT: `${workers}` },
});

/** Waits for the file `gate`; tells by another how many run in its thread. */
const gated = `
  import { existsSync, writeFileSync } from 'node:fs';
  import { threadId } from 'node:worker_threads';
  let running = 0;
  let most = 0;
  export const handler = async ({ gate, exit, die }) => {
    if (exit) process.exit(3);
    if (die) process.kill(process.pid, 'SIGKILL');
    most = Math.max(most, ++running);
    if (gate && most > 1) writeFileSync(gate + '-met', '');
    while (gate && !existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
    return { pid: process.pid, threadId, most };
  };`;

interface Ran {
  readonly pid: number;
  readonly threadId: number;
  readonly most: number;
}

describe('managed instances', () => {
  behaviour(
    'A Managed Instances environment handles many requests at once, in its runtime’s worker threads',
    'AWS Lambda Developer Guide: Node.js runtime for Lambda Managed Instances',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(gated, managed());
      const threads = new Set<number>();
      const ask = async () => threads.add((await fn.value<Ran>()).threadId).size;
      await expect.poll(ask, { timeout: 10_000 }).toBe(2);
      const gate = join(cloud.folder, 'gate');
      const running = Array.from({ length: 8 }, () => fn.value<Ran>({ gate }));
      await expect.poll(() => existsSync(`${gate}-met`), { timeout: 10_000 }).toBe(true);
      writeFileSync(gate, '');
      const answers = await Promise.all(running);
      expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1);
      expect(new Set(answers.map(({ threadId }) => threadId))).toEqual(threads);
    },
  );

  behaviour(
    'AWS_LAMBDA_MAX_CONCURRENCY says how many requests a Managed Instances environment takes at once',
    'AWS Lambda Developer Guide: Node.js runtime for Lambda Managed Instances',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async () => process.env;', managed(5));
      expect(await fn.value()).toMatchObject({
        AWS_LAMBDA_MAX_CONCURRENCY: '5',
        AWS_LAMBDA_INITIALIZATION_TYPE: 'lambda-managed-instances',
      });
      const plain = cloud.add('export const handler = async () => process.env;');
      expect(await plain.value()).not.toHaveProperty('AWS_LAMBDA_MAX_CONCURRENCY');
    },
  );

  behaviour(
    'A Managed Instances environment is never frozen: its timers fire between invocations',
    'AWS Lambda Developer Guide: Understanding the Lambda Managed Instances execution environment',
    async () => {
      await using cloud = harness();
      const file = join(cloud.folder, 'ticked');
      const fn = cloud.add(
        `import { writeFileSync } from 'node:fs';
        export const handler = async ({ file }) => void setTimeout(() => writeFileSync(file, ''), 100);`,
        managed(),
      );
      await fn.value({ file });
      await expect.poll(() => existsSync(file), { timeout: 5000 }).toBe(true);
    },
  );

  behaviour(
    'On Managed Instances a timeout is its request’s alone: the others, the process and even its own code go on',
    'AWS Lambda Developer Guide: Understanding the Lambda Managed Instances execution environment',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(gated, { ...managed(), timeoutMs: 1000 });
      const { pid } = await fn.value<Ran>();
      const gate = join(cloud.folder, 'gate');
      const late = await fn.call({ gate });
      expect(late.value).toMatchObject({ errorType: 'Sandbox.Timedout' });
      expect(await fn.value<Ran>()).toMatchObject({ pid });
      writeFileSync(gate, '');
      expect(await fn.value<Ran>()).toMatchObject({ pid });
      expect(fn.local.log.text).toContain('"status":"timeout"');
    },
  );

  behaviour(
    'A runtime worker that ends takes its requests with it; the environment goes on with the others',
    'AWS Lambda Developer Guide: Understanding the Lambda Managed Instances execution environment',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(gated, { ...managed(8, 2), timeoutMs: 1500 });
      const { pid } = await fn.value<Ran>();
      const lost = await fn.call({ exit: true });
      expect(lost.value).toMatchObject({ errorType: 'Sandbox.Timedout' });
      expect(await fn.value<Ran>()).toMatchObject({ pid });
    },
  );

  behaviour(
    'When the process of a Managed Instances environment dies, all of its requests fail and the next finds a new one',
    'AWS Lambda Developer Guide: Understanding the Lambda Managed Instances execution environment',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(gated, managed());
      const { pid } = await fn.value<Ran>();
      const gate = join(cloud.folder, 'never');
      const running = [fn.call({ gate }), fn.call({ gate }), fn.call({ die: true })];
      for (const { value } of await Promise.all(running))
        expect(value).toMatchObject({ errorType: 'Runtime.ExitError' });
      expect((await fn.value<Ran>()).pid).not.toBe(pid);
    },
  );

  behaviour(
    'The init of a Managed Instances environment is over when one worker is ready, and failed when none can be',
    'AWS Lambda Developer Guide: Understanding the Lambda Managed Instances execution environment',
    async () => {
      await using cloud = harness();
      const half = cloud.add(
        `import { threadId } from 'node:worker_threads';
        if (threadId === 1) throw new Error('not I');
        export const handler = async () => threadId;`,
        managed(),
      );
      expect(await half.value()).toBe(2);
      const none = cloud.add(`throw new TypeError('nobody'); export const handler = 1;`, managed());
      expect((await none.call()).value).toMatchObject({ errorType: 'TypeError', errorMessage: 'nobody' });
      expect(none.local.log.text).toContain('platform.initReport');
    },
  );

  behaviour(
    'Logs of Managed Instances are JSON, and each line that the console writes names its own request',
    'AWS Lambda Developer Guide: Working with Lambda function logs',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(
        `export const handler = async (name) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          console.warn(name);
        };`,
        managed(),
      );
      const answers = await Promise.all(['a', 'b', 'c'].map(async (name) => ({ name, ...(await fn.call(name)) })));
      const lines = fn.local.log.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      for (const { name, outcome } of answers) {
        const requestId = 'requestId' in outcome && outcome.requestId;
        expect(lines.find(({ message }) => message === name)).toMatchObject({ level: 'WARN', requestId });
        const types = lines.filter(({ record }) => record?.requestId === requestId).map(({ type }) => type);
        expect(types).toEqual(['platform.start', 'platform.report']);
      }
    },
  );

  behaviour(
    'An asynchronous event that is tried again has the same request id on Managed Instances, too',
    'AWS Lambda Developer Guide: How Lambda handles errors and retries with asynchronous invocation',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async (_, { awsRequestId }) => awsRequestId;', managed());
      const requestId = '11111111-2222-4333-8444-555555555555';
      for (let tries = 0; tries < 2; tries++) {
        expect(await fn.call({}, { requestId })).toMatchObject({ value: requestId, outcome: { requestId } });
      }
      expect(await fn.value()).not.toBe(requestId);
    },
  );
});
