// How an invocation fails, what the caller is told, and that the next one is answered all the same.
import { describe, expect, it } from 'vitest';
import { behaviour } from '../behaviour.ts';
import { harness } from './harness.ts';

/** What platform errors say, with the request's id taken out. */
const withoutId = (value: unknown) =>
  JSON.parse(JSON.stringify(value).replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID'));

describe('an invocation that fails', () => {
  behaviour(
    'An error that the handler throws is answered as errorType, errorMessage and trace, and the environment stays',
    'AWS Lambda Developer Guide: Understanding retry behavior in Lambda',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(`
        let n = 0;
        export const handler = async ({ fail }) => { n++; if (fail) throw new RangeError('too far'); return n; };`);
      const { outcome, value } = await fn.call({ fail: true });
      expect(outcome).toMatchObject({ kind: 'error', functionError: 'Unhandled' });
      expect(value).toMatchObject({
        errorType: 'RangeError',
        errorMessage: 'too far',
        trace: expect.arrayContaining(['RangeError: too far']),
      });
      expect(await fn.value()).toBe(2);
    },
  );

  behaviour(
    'What JSON cannot carry is Runtime.JSONStringifyError',
    'AWS Lambda Developer Guide: Define Lambda function handler in Node.js',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async () => 1n;');
      expect((await fn.call()).value).toMatchObject({
        errorType: 'Runtime.JSONStringifyError',
        errorMessage: 'Unable to stringify response body',
      });
    },
  );

  behaviour(
    'When the function’s timeout is over its process is killed and the caller is told Sandbox.Timedout',
    'AWS Lambda Developer Guide: Configure Lambda function timeout',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(
        'export const handler = async ({ ms }) => { for (const end = Date.now() + ms; Date.now() < end; ); };',
        { timeoutMs: 1_000 },
      );
      const { outcome, value, logTail } = await fn.call({ ms: 60_000 });
      expect(outcome.kind).toBe('error');
      expect(withoutId(value)).toEqual({
        errorType: 'Sandbox.Timedout',
        errorMessage: 'RequestId: ID Error: Task timed out after 1.00 seconds',
      });
      expect(logTail).toMatch(/\dZ \S+ Task timed out after 1\.00 seconds\n/);
      expect(logTail).toMatch(/REPORT .*\tDuration: 1000\.00 ms\tBilled Duration: \d+ ms\t.*\tStatus: timeout\t\n$/);
    },
  );

  behaviour(
    'After a timeout the next request finds a new process; /tmp is kept',
    'AWS Lambda Developer Guide: Understanding the Lambda execution environment lifecycle',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(
        `
        import { existsSync, writeFileSync } from 'node:fs';
        import { tmpdir } from 'node:os';
        let n = 0;
        export const handler = async ({ hang }) => {
          const kept = existsSync(tmpdir() + '/kept');
          writeFileSync(tmpdir() + '/kept', '');
          if (hang) await new Promise((resolve) => setTimeout(resolve, 60_000));
          return { n: ++n, kept };
        };`,
        { timeoutMs: 1_000 },
      );
      expect(await fn.value()).toEqual({ n: 1, kept: false });
      expect((await fn.call({ hang: true })).outcome.kind).toBe('error');
      expect(await fn.value()).toEqual({ n: 1, kept: true });
      expect(fn.local.live).toBe(1);
    },
  );

  behaviour(
    'A process that ends during an invocation is Runtime.ExitError with its exit status, and the next request finds a new one',
    'AWS Lambda Developer Guide: Troubleshoot execution issues in Lambda',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(
        'export const handler = async ({ code }) => { if (code !== undefined) process.exit(code); return "up"; };',
      );
      const { value, logTail } = await fn.call({ code: 7 });
      expect(withoutId(value)).toEqual({
        errorType: 'Runtime.ExitError',
        errorMessage: 'RequestId: ID Error: Runtime exited with error: exit status 7',
      });
      expect(logTail).toMatch(
        /RequestId: \S+ Error: Runtime exited with error: exit status 7\nRuntime\.ExitError\nEND /,
      );
      expect(withoutId((await fn.call({ code: 0 })).value)).toMatchObject({
        errorMessage: 'RequestId: ID Error: Runtime exited without providing a reason',
      });
      expect(await fn.value()).toBe('up');
    },
  );

  behaviour(
    'An error that nobody catches ends the process: Runtime.ExitError',
    'AWS Lambda Developer Guide: Troubleshoot execution issues in Lambda',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(`export const handler = async () => {
        setTimeout(() => { throw new Error('nobody catches this'); }, 1);
        await new Promise((resolve) => setTimeout(resolve, 5_000));
      };`);
      const { value, logTail } = await fn.call();
      expect(value).toMatchObject({
        errorType: 'Runtime.ExitError',
        errorMessage: expect.stringContaining('exit status 1'),
      });
      expect(logTail).toContain('nobody catches this');
    },
  );

  it('a function that fills its /tmp past the ephemeral storage is ended, told why, and finds it empty again', async () => {
    await using cloud = harness();
    const fn = cloud.add(
      `import { readdirSync, writeFileSync } from 'node:fs';
      import { tmpdir } from 'node:os';
      import { join } from 'node:path';
      export const handler = async ({ mb }) => {
        if (mb) writeFileSync(join(tmpdir(), 'full'), Buffer.alloc(mb * 2 ** 20));
        if (mb) await new Promise((resolve) => setTimeout(resolve, 9_000));
        return readdirSync(tmpdir());
      };`,
      { storageMb: 8 },
    );
    const { value } = await fn.call({ mb: 20 });
    expect(value).toMatchObject({ errorType: 'Runtime.ExitError' });
    expect(fn.local.log.text).toMatch(/\d+ MB in \/tmp, and the function has 8 MB of ephemeral storage/);
    expect(await fn.value({})).toEqual([]);
  });

  it('ten thousand open timers cost nobody an answer, and go with the environment', async () => {
    await using cloud = harness();
    const fn = cloud.add(`export const handler = async ({ timers = 0 }) => {
      for (let i = 0; i < timers; i++) setInterval(() => {}, 1 + (i % 50));
      return timers;
    };`);
    expect(await fn.value({ timers: 10_000 })).toBe(10_000);
    expect(await fn.value({})).toBe(0);
    expect(fn.local.live).toBe(1);
  });

  behaviour(
    'A process that is over the function’s memory is killed: Runtime.ExitError, signal: killed',
    'AWS Lambda Developer Guide: Configure Lambda function memory',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(
        `export const handler = async ({ mb = 0 }) => {
        const blocks = [];
        for (let i = 0; i < mb; i++) blocks.push(Buffer.alloc(1024 * 1024, 1));
        if (mb) await new Promise((resolve) => setTimeout(resolve, 5_000));
        return blocks.length;
      };`,
        { memoryMb: 160 },
      );
      const { value, logTail } = await fn.call({ mb: 200 });
      expect(withoutId(value)).toEqual({
        errorType: 'Runtime.ExitError',
        errorMessage: 'RequestId: ID Error: Runtime exited with error: signal: killed',
      });
      expect(logTail).toMatch(/Memory Size: 160 MB\tMax Memory Used: \d{3} MB\t.*Error Type: Runtime\.OutOfMemory/);
      expect(await fn.value()).toBe(0);
    },
  );

  behaviour(
    'A response over 6 MB is Function.ResponseSizeTooLarge, and the environment stays',
    'AWS Lambda Developer Guide: Lambda quotas',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('let n = 0; export const handler = async ({ bytes }) => ++n && "x".repeat(bytes);');
      expect((await fn.value<string>({ bytes: 6_291_556 - 2 })).length).toBe(6_291_554);
      expect((await fn.call({ bytes: 6_291_556 - 1 })).value).toEqual({
        errorType: 'Function.ResponseSizeTooLarge',
        errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
      });
      expect(await fn.value({ bytes: 1 })).toBe('x');
      expect(fn.local.live).toBe(1);
    },
  );

  behaviour(
    'A request over 6 MB is refused before any environment sees it',
    'AWS Lambda Developer Guide: Lambda quotas',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async () => 1;');
      const limit = 6 * 1024 * 1024;
      expect(await fn.local.invoke({ payload: Buffer.alloc(limit + 1, '1') })).toEqual({
        kind: 'too-large',
        bytes: limit + 1,
      });
      expect(fn.local.live).toBe(0);
      const most = Buffer.concat([Buffer.from('"'), Buffer.alloc(limit - 2, 'x'), Buffer.from('"')]);
      expect((await fn.local.invoke({ payload: most })).kind).toBe('response');
    },
  );
});

describe('an init that fails', () => {
  behaviour(
    'An error of the module is tried again in the first invocation, then answered; INIT_REPORT lines tell of both',
    'AWS Lambda Developer Guide: Understanding the Lambda execution environment lifecycle',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('console.log("loading"); throw new TypeError("no key");');
      const { outcome, value, logTail } = await fn.call();
      expect(outcome.kind).toBe('error');
      expect(value).toMatchObject({ errorType: 'TypeError', errorMessage: 'no key' });
      const log = fn.local.log.text;
      expect(log.match(/\tINFO\tloading/g)).toHaveLength(2);
      expect(log).toMatch(
        /INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init\tStatus: error\tError Type: TypeError\n/,
      );
      expect(logTail).toMatch(
        /INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: invoke\tStatus: error\tError Type: TypeError\n/,
      );
    },
  );

  behaviour(
    'A handler that cannot be found is named: Runtime.ImportModuleError, Runtime.HandlerNotFound, Runtime.MalformedHandlerName',
    'AWS Lambda Developer Guide: Troubleshoot invocation issues in Lambda',
    async () => {
      await using cloud = harness();
      const source = 'export const handler = async () => 1;';
      const types = await Promise.all(
        ['absent.handler', 'index.absent', 'index'].map(
          async (handler) => (await cloud.add(source, { handler }).call()).value,
        ),
      );
      expect(types).toMatchObject([
        { errorType: 'Runtime.ImportModuleError' },
        { errorType: 'Runtime.HandlerNotFound', errorMessage: 'index.absent is undefined or not exported' },
        { errorType: 'Runtime.MalformedHandlerName' },
      ]);
    },
  );

  behaviour(
    'A handler that takes a callback is refused at init',
    'AWS Lambda Developer Guide: Define Lambda function handler in Node.js',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = (event, context, callback) => callback(null, 1);');
      expect((await fn.call()).value).toMatchObject({ errorType: 'Runtime.CallbackHandlerDeprecated' });
    },
  );

  behaviour(
    'A process that ends during init is Runtime.ExitError',
    'AWS Lambda Developer Guide: Understanding the Lambda execution environment lifecycle',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('process.exit(3);');
      expect(withoutId((await fn.call()).value)).toEqual({
        errorType: 'Runtime.ExitError',
        errorMessage: 'RequestId: ID Error: Runtime exited with error: exit status 3',
      });
    },
  );

  behaviour(
    'An init that is not done in its time (10 s) is done again in the first invocation, under the function’s timeout',
    'AWS Lambda Developer Guide: Understanding the Lambda execution environment lifecycle',
    async () => {
      // Long enough for a busy machine to start the process and write the marker.
      await using cloud = harness({ initLimitMs: 1_500 });
      // The first time it hangs; the second takes longer than an init may, and is in the invocation.
      const fn = cloud.add(`
        import { existsSync, writeFileSync } from 'node:fs';
        import { tmpdir } from 'node:os';
        const marker = tmpdir() + '/tried';
        const again = existsSync(marker);
        writeFileSync(marker, '');
        await new Promise((resolve) => setTimeout(resolve, again ? 1_600 : 60_000));
        export const handler = async () => 'up';`);
      const { value, logTail } = await fn.call();
      expect(value).toBe('up');
      expect(fn.local.log.text).toMatch(/^INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init\tStatus: timeout\n/);
      const duration = Number(/\tDuration: ([\d.]+) ms/.exec(logTail)?.[1]);
      expect(duration).toBeGreaterThan(1_600);
      expect(logTail).not.toContain('Init Duration');
    },
  );

  behaviour(
    'An init in the first invocation that takes longer than the function’s timeout is Sandbox.Timedout',
    'AWS Lambda Developer Guide: Understanding the Lambda execution environment lifecycle',
    async () => {
      await using cloud = harness({ initLimitMs: 200 });
      const fn = cloud.add(
        'await new Promise((resolve) => setTimeout(resolve, 60_000)); export const handler = async () => 1;',
        { timeoutMs: 1_000 },
      );
      const { value } = await fn.call();
      expect(withoutId(value)).toEqual({
        errorType: 'Sandbox.Timedout',
        errorMessage: 'RequestId: ID Error: Task timed out after 1.00 seconds',
      });
    },
  );
});
