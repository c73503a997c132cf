// Streamed function URLs, with AWS's own runtime client in the environment: what a client sees, and when.
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvokeWithResponseStreamCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../src/testing/index.ts';
import { listen } from '../../src/testing/listen.ts';
import { readResponseStream, streamLimit } from '../../src/testing/runtime/response-stream.ts';
import { type TestApp, testApp } from './app.ts';
import { behaviour } from './behaviour.ts';

/** A streaming handler; `wait(name)` waits until the test has made the file of that name. */
const streaming = (body: string) => `
  import { existsSync, writeFileSync } from 'node:fs';
  import { once } from 'node:events';
  const gates = process.env.GATES;
  const wait = async (name) => { while (!existsSync(gates + '/' + name)) await new Promise((r) => setTimeout(r, 5)); };
  const tell = (name, text = '') => writeFileSync(gates + '/' + name, text);
  export const handler = awslambda.streamifyResponse(async (event, stream, context) => { ${body} });`;

const handlers = {
  parts: `stream.setContentType('text/plain'); stream.write('one '); await wait('parts'); stream.write('two'); stream.end();`,
  prelude: `const http = awslambda.HttpResponseStream.from(stream, {
      statusCode: 418, headers: { 'x-tea': 'pot', 'content-type': 'text/tea' }, cookies: ['a=1', 'b=2; Secure'] });
    http.write('brew'); http.end();`,
  bare: `stream.write(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0, 2])); stream.end();`,
  empty: 'stream.end();',
  early: `throw new Error('before the first byte');`,
  late: `stream.write('half'); await wait('late'); throw new Error('after the first byte');`,
  exits: `stream.write('half'); await wait('exits'); process.exit(3);`,
  slow: `stream.write('half'); await new Promise(() => {});`,
  gone: `stream.write('x'); await wait('gone'); for (let i = 0; i < 50; i++) if (!stream.write('y'.repeat(1e5))) await once(stream, 'drain');
    tell('gone-done'); stream.end();`,
  fast: `let sent = 0; tell('fast-begun');
    for (let i = 0; i < 400; i++) { if (!stream.write(Buffer.alloc(1e5))) { tell('fast-waits', String(sent)); await once(stream, 'drain'); } sent++; }
    stream.end();`,
  wrong: `const http = awslambda.HttpResponseStream.from(stream, { statusCode: 'many' }); http.write('x'); http.end();`,
  plain: '',
};

describe('a URL of invoke mode RESPONSE_STREAM', () => {
  let app: TestApp;
  let cloud: LocalCloud;
  const gates = mkdtempSync(join(tmpdir(), 'glowplug-gates-'));
  const open = (name: string) => writeFileSync(join(gates, name), '');
  beforeAll(async () => {
    app = testApp({});
    const url = { AuthType: 'NONE', InvokeMode: 'RESPONSE_STREAM' };
    for (const [name, body] of Object.entries(handlers)) {
      const source =
        name === 'plain' ? `export const handler = async () => ({ statusCode: 201, body: 'whole' });` : streaming(body);
      app.write(name, source, { url, Timeout: name === 'slow' ? 1 : 10, Environment: { Variables: { GATES: gates } } });
    }
    cloud = await startLocalCloud({ root: app.root });
  }, 30_000);
  afterAll(async () => {
    await cloud[Symbol.asyncDispose]();
    app[Symbol.dispose]();
    rmSync(gates, { recursive: true });
  });
  const call = (name: string) => fetch(cloud.function(name).url);

  behaviour(
    'A streamed answer reaches the client chunk by chunk, while the function goes on',
    'AWS Lambda Developer Guide: Response streaming for Lambda functions',
    async () => {
      const response = await call('parts');
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain']);
      const reader = response.body!.getReader();
      expect(Buffer.from((await reader.read()).value!).toString()).toBe('one ');
      open('parts');
      expect(Buffer.from((await reader.read()).value!).toString()).toBe('two');
      expect((await reader.read()).done).toBe(true);
      await expect
        .poll(() => cloud.function('parts').logs())
        .toMatch(/^START RequestId.*\nEND RequestId.*\nREPORT RequestId.*\n$/);
    },
  );

  behaviour(
    'Status, headers and cookies of a streamed answer come from its prelude: JSON, then 8 NUL bytes',
    'AWS Lambda Developer Guide: Building a custom runtime for AWS Lambda',
    async () => {
      const response = await call('prelude');
      expect([response.status, response.headers.get('x-tea'), await response.text()]).toEqual([418, 'pot', 'brew']);
      expect(response.headers.get('content-type')).toBe('text/tea');
      expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2; Secure']);
    },
  );

  behaviour(
    'A stream without a prelude is a 200 of application/octet-stream, whatever its bytes',
    'AWS Lambda Developer Guide: Response streaming for Lambda functions',
    async () => {
      const response = await call('bare');
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
      expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
      expect(await (await call('empty')).text()).toBe('');
    },
  );

  behaviour(
    'A stream that fails before its first byte is 502',
    'AWS Lambda Developer Guide: Building a custom runtime for AWS Lambda',
    async () => {
      const response = await call('early');
      expect([response.status, await response.json()]).toEqual([502, { Message: 'Internal Server Error' }]);
      expect(cloud.function('early').logs()).toContain('before the first byte');
      expect((await call('wrong')).status).toBe(502);
    },
  );

  behaviour(
    'A stream that fails later breaks off: what came is there, and no end',
    'AWS Lambda Developer Guide: Building a custom runtime for AWS Lambda',
    async () => {
      for (const name of ['late', 'exits']) {
        const response = await call(name);
        expect(response.status).toBe(200);
        const reader = response.body!.getReader();
        expect(Buffer.from((await reader.read()).value!).toString()).toBe('half');
        open(name);
        await expect(reader.read()).rejects.toThrow();
      }
      expect(cloud.function('late').logs()).toContain('after the first byte');
      await expect.poll(() => cloud.function('exits').logs()).toContain('Runtime exited with error: exit status 3');
    },
  );

  behaviour(
    'A stream that goes on past the function’s timeout is cut',
    'AWS Lambda Developer Guide: Response streaming for Lambda functions',
    async () => {
      const response = await call('slow');
      await expect(response.text()).rejects.toThrow();
      await expect.poll(() => cloud.function('slow').logs()).toContain('Task timed out after 1.00 seconds');
      expect(cloud.function('slow').logs()).toContain('Status: timeout');
    },
  );

  behaviour(
    'A client that leaves does not interrupt the function: it runs, and is billed, to its end',
    'AWS Lambda Developer Guide: Response streaming for Lambda functions',
    async () => {
      const message = await new Promise<IncomingMessage>((resolve) => get(cloud.function('gone').url, resolve));
      message.destroy();
      open('gone');
      await expect.poll(() => existsSync(join(gates, 'gone-done')), { timeout: 10_000 }).toBe(true);
      await expect.poll(() => cloud.function('gone').logs()).toContain('REPORT');
      expect(cloud.function('gone').logs()).not.toContain('Error');
    },
  );

  behaviour(
    'A client that reads slowly slows the function down: what it writes waits',
    'AWS Lambda Developer Guide: Response streaming for Lambda functions',
    async () => {
      const message = await new Promise<IncomingMessage>((resolve) => get(cloud.function('fast').url, resolve));
      await expect.poll(() => existsSync(join(gates, 'fast-waits')), { timeout: 10_000 }).toBe(true);
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of message) {
        bytes += chunk.length;
        hash.update(chunk);
      }
      expect(bytes).toBe(4e7);
      expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.alloc(4e7)).digest('hex'));
    },
  );

  behaviour(
    'A handler that does not stream answers such a URL whole',
    'AWS Lambda Developer Guide: Response streaming for Lambda functions',
    async () => {
      const response = await call('plain');
      expect([response.status, await response.text()]).toEqual([201, 'whole']);
    },
  );
});

describe('InvokeWithResponseStream', () => {
  let app: TestApp;
  let cloud: LocalCloud;
  let client: LambdaClient;
  beforeAll(async () => {
    app = testApp({});
    for (const name of ['bare', 'prelude', 'early', 'plain'] as const) {
      const source = name === 'plain' ? 'export const handler = async () => [1];' : streaming(handlers[name]);
      app.write(name, source, { url: false });
    }
    app.write('late', streaming(`stream.write('half'); throw new TypeError('later');`), { url: false });
    cloud = await startLocalCloud({ root: app.root });
    const { endpoint, region, credentials } = cloud;
    client = new LambdaClient({ endpoint, region, credentials, maxAttempts: 1 });
  }, 30_000);
  afterAll(async () => {
    client.destroy();
    await cloud[Symbol.asyncDispose]();
    app[Symbol.dispose]();
  });
  const invoke = async (FunctionName: string) => {
    const { EventStream } = await client.send(new InvokeWithResponseStreamCommand({ FunctionName, LogType: 'Tail' }));
    const chunks: Uint8Array[] = [];
    for await (const { PayloadChunk, InvokeComplete } of EventStream!) {
      if (PayloadChunk?.Payload) chunks.push(PayloadChunk.Payload);
      if (InvokeComplete) return { payload: Buffer.concat(chunks).toString('latin1'), ...InvokeComplete };
    }
    throw new Error('the stream had no end');
  };

  behaviour(
    'InvokeWithResponseStream sends what the function writes as payload chunks, then the end with the log',
    'AWS Lambda API Reference: InvokeWithResponseStream',
    async () => {
      const { payload, LogResult, ErrorCode } = await invoke('bare');
      expect([payload, ErrorCode]).toEqual(['\u0001\0\0\0\0\0\0\0\0\u0002', undefined]);
      expect(Buffer.from(LogResult ?? '', 'base64').toString()).toMatch(/^START RequestId/);
      expect((await invoke('prelude')).payload).toMatch(/^\{"statusCode":418,.*\}\0{8}brew$/);
      expect((await invoke('plain')).payload).toBe('[1]');
    },
  );

  behaviour(
    'A function that fails in a streamed invocation is told in its end: code and details, after what it wrote',
    'AWS Lambda API Reference: InvokeWithResponseStream',
    async () => {
      expect(await invoke('late')).toMatchObject({
        payload: 'half',
        ErrorCode: 'TypeError',
        ErrorDetails: expect.stringContaining('later'),
      });
      expect(await invoke('early')).toMatchObject({ ErrorCode: 'Error' });
      await expect(invoke('none')).rejects.toThrow('Function not found');
    },
  );
});

describe('limits of a stream', () => {
  behaviour(
    'A streamed answer is cut at 200 MB: Function.ResponseSizeTooLarge',
    'AWS Lambda Developer Guide: Lambda quotas',
    async () => {
      // The limit itself is AWS's number; that it cuts is looked at with a small one.
      expect(streamLimit).toBe(200 * 2 ** 20);
      const heard = Promise.withResolvers<unknown>();
      const read = async (request: IncomingMessage) => {
        const stream = readResponseStream(request, 10);
        let bytes = 0;
        for await (const chunk of stream.chunks) bytes += chunk.length;
        return [bytes <= 10, await stream.ended];
      };
      const server = createServer((request, response) => {
        heard.resolve(read(request).finally(() => response.end()));
      });
      await using bound = await listen(server, 0);
      await fetch(bound.url, { method: 'POST', body: 'x'.repeat(11) });
      expect(await heard.promise).toEqual([true, { kind: 'too-large' }]);
    },
  );
});
