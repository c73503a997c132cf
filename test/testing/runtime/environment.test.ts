// What a handler finds in its environment, and what it keeps between invocations.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { behaviour } from '../behaviour.ts';
import { harness, isRunning, where, writeFiles } from './harness.ts';

describe('an execution environment', () => {
  behaviour(
    'The environment that answered is used again, and what the module holds is still there',
    'AWS Lambda Developer Guide: Understanding the Lambda execution environment lifecycle',
    async () => {
      await using cloud = harness();
      const counter = cloud.add('let n = 0; export const handler = async () => ({ n: ++n, pid: process.pid });');
      const first = await counter.value<{ n: number; pid: number }>();
      const second = await counter.value<{ n: number; pid: number }>();
      expect([first.n, second.n]).toEqual([1, 2]);
      expect(second.pid).toBe(first.pid);
    },
  );

  behaviour(
    'An environment handles one request at a time; requests that come meanwhile get environments of their own',
    'AWS Lambda Developer Guide: Understanding Lambda function scaling',
    async () => {
      await using cloud = harness();
      // Each waits for the other, so that one environment alone could not answer.
      const meeting = cloud.add(`
        import { existsSync, writeFileSync } from 'node:fs';
        let busy = 0;
        export const handler = async ({ me, other }) => {
          if (++busy > 1) throw new Error('two at once');
          writeFileSync(me, '');
          while (!existsSync(other)) await new Promise((resolve) => setTimeout(resolve, 5));
          busy--;
          return process.pid;
        };`);
      const [a, b] = [join(cloud.folder, 'a'), join(cloud.folder, 'b')];
      const pids = await Promise.all([meeting.value({ me: a, other: b }), meeting.value({ me: b, other: a })]);
      expect(new Set(pids).size).toBe(2);
    },
  );

  behaviour(
    '/tmp is kept between the invocations of an environment, and is no other environment’s',
    'AWS Lambda Developer Guide: Understanding the Lambda execution environment lifecycle',
    async () => {
      await using cloud = harness();
      const source = `
        import { existsSync, writeFileSync } from 'node:fs';
        import { tmpdir } from 'node:os';
        export const handler = async () => {
          const path = tmpdir() + '/kept';
          const kept = existsSync(path);
          writeFileSync(path, '');
          return { kept, tmp: tmpdir() };
        };`;
      const one = cloud.add(source);
      const other = cloud.add(source);
      type Seen = { kept: boolean; tmp: string };
      expect((await one.value<Seen>()).kept).toBe(false);
      const again = await one.value<Seen>();
      expect(again.kept).toBe(true);
      const apart = await other.value<Seen>();
      expect(apart.kept).toBe(false);
      expect(apart.tmp).not.toBe(again.tmp);
    },
  );

  behaviour(
    'The runtime’s environment variables are set as Lambda sets them',
    'AWS Lambda Developer Guide: Working with Lambda environment variables',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async () => process.env;', {
        functionName: 'shop-api',
        memoryMb: 300,
      });
      expect(await fn.value()).toMatchObject({
        _HANDLER: 'index.handler',
        LAMBDA_TASK_ROOT: fn.local.spec.codeFolder,
        AWS_LAMBDA_FUNCTION_NAME: 'shop-api',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '300',
        AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/shop-api',
        AWS_LAMBDA_LOG_STREAM_NAME: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/),
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        AWS_REGION: where.region,
        AWS_DEFAULT_REGION: where.region,
        AWS_ACCESS_KEY_ID: where.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: where.credentials.secretAccessKey,
        TZ: ':UTC',
        LANG: 'en_US.UTF-8',
      });
    },
  );

  behaviour(
    'A function’s own variables are set; those that Lambda reserves cannot be changed',
    'AWS Lambda Developer Guide: Working with Lambda environment variables',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async () => [process.env.STAGE, process.env.AWS_REGION];', {
        environment: { STAGE: 'dev', AWS_REGION: 'mars-1' },
      });
      expect(await fn.value()).toEqual(['dev', where.region]);
    },
  );

  behaviour(
    'Nothing of the environment outside comes in: no variable, no home folder, no other working folder',
    'AWS Lambda Developer Guide: Understanding the Lambda execution environment lifecycle',
    async () => {
      process.env['GLOWPLUG_TEST_SECRET'] = 'of the developer';
      await using cloud = harness();
      const fn = cloud.add(`
        import { homedir, tmpdir } from 'node:os';
        export const handler = async () => ({
          secret: process.env.GLOWPLUG_TEST_SECRET, home: homedir(), tmp: tmpdir(), cwd: process.cwd(), options: process.env.NODE_OPTIONS,
        });`);
      const seen = await fn.value<{ tmp: string }>();
      delete process.env['GLOWPLUG_TEST_SECRET'];
      expect(seen).toEqual({ home: seen.tmp, tmp: seen.tmp, cwd: fn.local.spec.codeFolder });
      expect(seen.tmp).toContain(cloud.folder);
    },
  );

  behaviour(
    'Modules of layers are found through NODE_PATH, and a later layer covers an earlier one',
    'AWS Lambda Developer Guide: Adding layers to functions',
    async () => {
      await using cloud = harness();
      const [below, above] = [join(cloud.folder, 'below'), join(cloud.folder, 'above')];
      writeFiles(below, {
        'nodejs/node_modules/shared/index.js': 'module.exports = "below";',
        'nodejs/node_modules/only-below/index.js': 'module.exports = "only below";',
      });
      writeFiles(above, { 'nodejs/node_modules/shared/index.js': 'module.exports = "above";' });
      const fn = cloud.add(
        {
          'index.js': 'exports.handler = async () => [require("shared"), require("only-below")];',
          'package.json': '{}',
        },
        { layers: [below, above] },
      );
      expect(await fn.value()).toEqual(['above', 'only below']);
    },
  );

  behaviour(
    'Handlers are CommonJS or ES modules, in a folder, and nested in what the module exports',
    'AWS Lambda Developer Guide: Define Lambda function handler in Node.js',
    async () => {
      await using cloud = harness();
      const cjs = cloud.add({ 'index.js': 'exports.handler = async () => "cjs";', 'package.json': '{}' });
      const esm = cloud.add(
        { 'src/main.mjs': 'export const api = { get: async () => "esm" };' },
        { handler: 'src/main.api.get' },
      );
      expect([await cjs.value(), await esm.value()]).toEqual(['cjs', 'esm']);
    },
  );

  behaviour(
    'The context names the request, the function and its limits, and counts the time that is left',
    'AWS Lambda Developer Guide: Using the Lambda context object to retrieve Node.js function information',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(
        `export const handler = async (event, context) => {
          const left = [context.getRemainingTimeInMillis()];
          await new Promise((resolve) => setTimeout(resolve, 30));
          left.push(context.getRemainingTimeInMillis());
          return { ...context, left };
        };`,
        { functionName: 'shop-api', timeoutMs: 5_000 },
      );
      const { outcome, value: context } = await fn.call<{ awsRequestId: string; left: [number, number] }>();
      expect(context).toMatchObject({
        functionName: 'shop-api',
        functionVersion: '$LATEST',
        memoryLimitInMB: '256',
        invokedFunctionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:shop-api',
        awsRequestId: outcome.kind === 'response' && outcome.requestId,
      });
      expect(context?.awsRequestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      const [before = 0, after = 0] = context?.left ?? [];
      expect(before).toBeGreaterThan(3_000);
      expect(before).toBeLessThanOrEqual(5_001);
      expect(after).toBeLessThan(before);
    },
  );

  behaviour(
    'The client context that a caller sends reaches the handler',
    'AWS Lambda API Reference: Invoke',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async (event, context) => context.clientContext;');
      const { value } = await fn.call({}, { clientContext: '{"custom":{"tenant":"a"}}' });
      expect(value).toEqual({ custom: { tenant: 'a' } });
    },
  );

  behaviour(
    '_X_AMZN_TRACE_ID is each invocation’s own, and the caller’s where it sent one',
    'AWS Lambda Developer Guide: Visualize Lambda function invocations using AWS X-Ray',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async () => process.env._X_AMZN_TRACE_ID;');
      const [first, second] = [await fn.value(), await fn.value()];
      expect(first).toMatch(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/);
      expect(second).not.toBe(first);
      const mine = 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1';
      expect((await fn.call({}, { traceId: mine })).value).toBe(mine);
    },
  );

  behaviour(
    'An environment is frozen between invocations: its timers do not fire, and what was left undone goes on in the next',
    'AWS Lambda Developer Guide: Understanding the Lambda execution environment lifecycle',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(`
        let ticks = 0;
        setInterval(() => ticks++, 1);
        let leftover = 'pending';
        export const handler = async ({ wait = 0 }) => {
          if (leftover === 'pending' && !wait) setTimeout(() => { leftover = 'done'; }, 20);
          await new Promise((resolve) => setTimeout(resolve, wait));
          return { ticks, leftover };
        };`);
      await fn.value();
      const before = await fn.value<{ ticks: number }>();
      await new Promise((resolve) => setTimeout(resolve, 300)); // The time that is frozen is the subject.
      const after = await fn.value<{ ticks: number }>();
      // A timer that is due fires once when the process goes on; 300 ms of a running clock would be 300 ticks.
      expect(after.ticks - before.ticks).toBeLessThan(100);
      expect(await fn.value({ wait: 60 })).toMatchObject({ leftover: 'done' });
    },
  );

  behaviour(
    'A connection that its peer gave up while the environment was frozen is found broken by the next invocation',
    'AWS Lambda Developer Guide: Using keep-alive to reuse TCP connections',
    async () => {
      const sockets: Socket[] = [];
      const peer = createServer((socket) => void sockets.push(socket));
      peer.listen(0, '127.0.0.1');
      await once(peer, 'listening');
      try {
        await using cloud = harness();
        const fn = cloud.add(`import { connect } from 'node:net';
          import { once } from 'node:events';
          let socket;
          let closed = false;
          export const handler = async ({ port }) => {
            if (socket) {
              for (let turn = 0; turn < 1000 && !closed; turn++) await new Promise(setImmediate);
              return closed;
            }
            socket = connect(port, '127.0.0.1').on('close', () => { closed = true; });
            socket.resume();
            await once(socket, 'connect');
          };`);
        await fn.value({ port: Object(peer.address()).port });
        await expect.poll(() => sockets.length).toBe(1);
        sockets[0]?.destroy();
        await once(sockets[0]!, 'close');
        expect(await fn.value({})).toBe(true);
      } finally {
        peer.close();
      }
    },
  );

  behaviour(
    'A process that the handler started ends with its environment',
    'AWS Lambda Developer Guide: Understanding the Lambda execution environment lifecycle',
    async () => {
      const cloud = harness();
      const fn = cloud.add(`
        import { spawn } from 'node:child_process';
        const child = spawn('/bin/sh', ['-c', 'while :; do sleep 0.02; done'], { stdio: 'ignore' });
        export const handler = async () => child.pid;`);
      const pid = await fn.value<number>();
      expect(pid).toBeGreaterThan(1);
      await fn.value();
      await cloud[Symbol.asyncDispose]();
      await expect.poll(() => isRunning(pid), { timeout: 5_000 }).toBe(false);
    },
  );

  behaviour(
    'What a handler returns is sent as JSON; undefined is null',
    'AWS Lambda Developer Guide: Define Lambda function handler in Node.js',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async ({ kind }) => kind === "text" ? "häß" : undefined;');
      expect(await fn.value({ kind: 'text' })).toBe('häß');
      expect(await fn.value()).toBe(null);
    },
  );

  behaviour(
    'A streaming handler that is invoked without streaming answers with the whole stream',
    'AWS Lambda Developer Guide: Response streaming for Lambda functions',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(`export const handler = awslambda.streamifyResponse(async (event, stream) => {
        stream.write('[1,');
        stream.write('2]');
        stream.end();
      });`);
      expect(await fn.value()).toEqual([1, 2]);
      expect(await fn.value()).toEqual([1, 2]);
    },
  );
});
