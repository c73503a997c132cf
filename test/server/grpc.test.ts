import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import type { ServerOptions } from '../../src/server/server.ts';
import type { Unit } from '../../src/server/units.ts';
import { echoFunction } from '../protocol/echo.ts';
import { runs } from '../runs.ts';
import { type Called, grpcClient, serialize } from './grpc-client.ts';
import { rawSocket } from './raw-request.ts';
import { metric, patient, start, unit, type Work } from './start-server.ts';

const { OK, INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED, UNAVAILABLE, UNAUTHENTICATED } = status;
const inferPath = '/inference.GRPCInferenceService/ModelInfer';

/** The echo of test/protocol: a model for each element type. */
function echoUnit(): Unit {
  const fetch = echoFunction();
  return { name: 'echo', models: [], handler: { fetch, warm: async () => {} } };
}

async function serve(units: readonly Unit[] | Work = [echoUnit()], options: Partial<ServerOptions> = {}) {
  const served = await start(units, { grpcPort: 0, ...options });
  await served.server.warm();
  const client = grpcClient(served.server.grpcPort!);
  onTestFinished(client.close);
  return { ...served, ...client };
}

const input = (datatype: string, shape: readonly number[], contents?: object) => ({
  name: 'x',
  datatype,
  shape,
  ...(contents ? { contents } : {}),
});

describe('gRPC: the calls', () => {
  it('answers live, ready, metadata, configuration, statistics and the index as HTTP does', async () => {
    const { server, call, url } = await serve();
    expect((await call('ServerLive')).answer).toEqual({ live: true });
    expect((await call('ServerReady')).answer).toEqual({ ready: true });
    expect((await call('ModelReady', { name: 'fp32' })).answer).toEqual({ ready: true });
    expect((await call('ModelReady', { name: 'fp32', version: '9' })).answer).toEqual({ ready: false });
    expect((await call('ServerMetadata')).answer).toEqual(await (await fetch(`${url}/v2`)).json());
    expect((await call('ModelMetadata', { name: 'rows', version: '1' })).answer).toEqual({
      name: 'rows',
      versions: ['1'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'x', datatype: 'FP32', shape: ['-1', '2'] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: ['-1', '2'] }],
    });
    expect((await call('ModelConfig', { name: 'one' })).answer.config).toEqual({
      name: 'one',
      platform: 'onnxruntime_onnx',
      backend: 'onnxruntime',
      max_batch_size: 0,
      input: [{ name: 'x', data_type: 'TYPE_STRING', dims: ['1'] }],
      output: [{ name: 'y', data_type: 'TYPE_STRING', dims: ['1'] }],
    });
    const request = { model_name: 'fp32', inputs: [input('FP32', [1, 1], { fp32_contents: [1] })] };
    expect((await call('ModelInfer', request)).status).toBe(OK);
    const [stats] = (await call('ModelStatistics', { name: 'fp32' })).answer.model_stats;
    expect(stats).toMatchObject({ name: 'fp32', version: '1', inference_count: '1', execution_count: '1' });
    expect(stats.inference_stats.success.count).toBe('1');
    expect(Number(stats.inference_stats.compute_infer.ns)).toBeGreaterThan(0);
    expect((await call('ModelStatistics')).answer.model_stats.length).toBeGreaterThan(13);
    const { models } = (await call('RepositoryIndex', { ready: true })).answer;
    expect(models).toContainEqual({ name: 'a b/ä', version: '1', state: 'READY', reason: '' });
    expect(await call('RepositoryModelLoad', { model_name: 'fp32' })).toMatchObject({
      status: status.PERMISSION_DENIED,
      code: 'MODEL_CONTROL_OFF',
    });
    expect(await metric(server.port, 'glowplug_requests_total{unit="echo",status="200"}')).toBeGreaterThan(0);
  });

  it.each([
    ['BOOL', 'bool_contents', [true, false]],
    ['INT8', 'int_contents', [-128, 127]],
    ['INT16', 'int_contents', [-32_768, 32_767]],
    ['INT32', 'int_contents', [-(2 ** 31), 2 ** 31 - 1]],
    ['INT64', 'int64_contents', ['-9223372036854775808', '9007199254740993']],
    ['UINT8', 'uint_contents', [0, 255]],
    ['UINT16', 'uint_contents', [0, 65_535]],
    ['UINT32', 'uint_contents', [0, 2 ** 32 - 1]],
    ['UINT64', 'uint64_contents', ['0', '18446744073709551615']],
    ['FP32', 'fp32_contents', [Math.fround(0.1), Number.NaN]],
    ['FP64', 'fp64_contents', [Math.PI, Number.NEGATIVE_INFINITY]],
    ['BYTES', 'bytes_contents', [Buffer.from('ä'), Buffer.from('')]],
  ])('%s goes in as %s and comes back exactly', async (datatype, field, values) => {
    const { call } = await serve();
    const inputs = [input(datatype, [1, 2], { [field]: values })];
    const { answer, details } = await call('ModelInfer', { model_name: datatype.toLowerCase(), id: 'i-1', inputs });
    expect(details).toBe('');
    expect(answer).toMatchObject({ model_name: datatype.toLowerCase(), model_version: '1', id: 'i-1' });
    expect(answer.raw_output_contents).toEqual([]);
    const [output] = answer.outputs;
    expect([output.name, output.datatype, output.shape]).toEqual(['y', datatype, ['1', '2']]);
    expect(output.contents[field]).toEqual(values);
  });

  it('carries every element type raw, FP16 too, in order, and only the outputs that were asked for', async () => {
    const { call } = await serve();
    const sizes = { BOOL: 1, UINT8: 1, UINT16: 2, UINT32: 4, UINT64: 8, INT8: 1, INT16: 2, INT32: 4, INT64: 8 };
    const types = { ...sizes, FP16: 2, FP32: 4, FP64: 8 };
    const raws = Object.values(types).map((size, at) => Buffer.alloc(size * 2, at % 2));
    const text = Buffer.from([2, 0, 0, 0, 104, 105, 1, 0, 0, 0, 33]);
    const inputs = [...Object.keys(types), 'BYTES'].map((name) => ({ name, datatype: name, shape: [1, 2] }));
    const message = { model_name: 'all', inputs, raw_input_contents: [...raws, text] };
    const { answer } = await call('ModelInfer', message);
    // All are answered in the model's order; each with its own bytes.
    const byName = Object.fromEntries(
      answer.outputs.map(({ name }: { name: string }, at: number) => [name, answer.raw_output_contents[at]]),
    );
    for (const [at, name] of Object.keys(types).entries()) expect(byName[name]).toEqual(raws[at]);
    expect(byName['BYTES']).toEqual(text);
    const some = await call('ModelInfer', { ...message, outputs: [{ name: 'INT64' }, { name: 'BYTES' }] });
    expect(some.answer.outputs.map(({ name }: { name: string }) => name)).toEqual(['INT64', 'BYTES']);
    expect(some.answer.raw_output_contents[1]).toEqual(text);
  });

  it('int64 is exact, packed or not, whatever it is', async () => {
    const { call, raw } = await serve();
    const values = fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 20 });
    let cases = 0;
    await fc.assert(
      fc.asyncProperty(values, async (list) => {
        const contents = { int64_contents: list.map(String) };
        const message = { model_name: 'int64', inputs: [input('INT64', [1, list.length], contents)] };
        const { answer } = await call('ModelInfer', message);
        expect(answer.outputs[0].contents.int64_contents).toEqual(contents.int64_contents);
        cases++;
      }),
      { numRuns: runs(200) },
    );
    // 7 and 300, one element a field, which a writer of proto3 may do too.
    const contents = Buffer.from([0x18, 7, 0x18, 0xac, 2]);
    const name = Buffer.concat([
      Buffer.from([0x0a, 1]),
      Buffer.from('x'),
      Buffer.from([0x12, 5]),
      Buffer.from('INT64'),
    ]);
    const tensor = Buffer.concat([name, Buffer.from([0x18, 1, 0x18, 2, 0x2a, contents.length]), contents]);
    const model = Buffer.concat([Buffer.from([0x0a, 5]), Buffer.from('int64')]);
    const unpacked = await raw(inferPath, Buffer.concat([model, Buffer.from([0x2a, tensor.length]), tensor]));
    expect([unpacked.status, unpacked.details]).toEqual([OK, '']);
    console.log(`gRPC: ${cases} tensors of int64 exact`);
  });
});

describe('gRPC: what is refused', () => {
  const fp32 = (contents: object, more: object = {}) => ({
    model_name: 'fp32',
    inputs: [input('FP32', [1, 1], contents)],
    ...more,
  });
  const raw = { raw_input_contents: [Buffer.alloc(4)] };

  it.each([
    ['raw and typed at once', fp32({ fp32_contents: [1] }, raw), /expected no contents beside raw_input_contents/],
    [
      'a raw too few',
      { model_name: 'all', inputs: [input('BOOL', [1, 1]), input('INT8', [1, 1])], ...raw },
      /each of 2/,
    ],
    ['contents of another type', fp32({ int64_contents: ['1'] }), /expected fp32_contents for FP32/],
    ['too many elements', fp32({ fp32_contents: [1, 2] }), /expected 4 bytes/],
    ['no elements', fp32({}), /expected 4 bytes/],
    ['raw of another length', { ...fp32({}), raw_input_contents: [Buffer.alloc(3)] }, /expected 4 bytes/],
    [
      'FP16 typed',
      { model_name: 'fp16', inputs: [input('FP16', [1, 1], { fp32_contents: [1] })] },
      /expected FP16 in raw/,
    ],
    [
      'an element out of range',
      { model_name: 'int8', inputs: [input('INT8', [1, 1], { int_contents: [128] })] },
      /-128 to 127/,
    ],
    ['a datatype that is none', { model_name: 'fp32', inputs: [input('FLOAT', [1, 1])] }, /expected a datatype of/],
    [
      'a negative length',
      { model_name: 'fp32', inputs: [input('FP32', [-1, 1], { fp32_contents: [1] })] },
      /at least 0/,
    ],
    ['65 dimensions', { model_name: 'fp32', inputs: [input('FP32', Array(65).fill(1))] }, /at most 64 dimensions/],
    [
      'one input twice',
      {
        model_name: 'fp32',
        inputs: [input('FP32', [1, 1], { fp32_contents: [1] }), input('FP32', [1, 1], { fp32_contents: [1] })],
      },
      /each input once/,
    ],
    ['an output twice', fp32({ fp32_contents: [1] }, { outputs: [{ name: 'y' }, { name: 'y' }] }), /each output once/],
    ['no input', { model_name: 'fp32' }, /an array of tensors/],
    ['no model', { inputs: [] }, /expected the name of a model/],
    [
      'shared memory',
      {
        model_name: 'fp32',
        inputs: [
          {
            ...input('FP32', [1, 1], { fp32_contents: [1] }),
            parameters: { shared_memory_region: { string_param: 'r' } },
          },
        ],
      },
      /is not served here/,
    ],
    [
      'a parameter that is not finite',
      fp32({ fp32_contents: [1] }, { parameters: { p: { double_param: Number.NaN } } }),
      /a finite number/,
    ],
  ])('%s', async (_name, message, details) => {
    const { call } = await serve();
    const { status: code, details: said } = await call('ModelInfer', message);
    expect([code, said]).toEqual([INVALID_ARGUMENT, expect.stringMatching(details)]);
  });

  it('parameters of each kind go in, and none of them says how tensors travel', async () => {
    const { call } = await serve();
    const parameters = {
      binary_data_size: { int64_param: '99' },
      binary_data_output: { bool_param: false },
      priority: { uint64_param: '18446744073709551615' },
      timeout: { int64_param: '-1' },
      share: { double_param: 0.5 },
      'na"me': { string_param: 'quo"te' },
    };
    const inputs = [{ ...input('FP32', [1, 1], { fp32_contents: [2] }), parameters }];
    const { status: code, answer } = await call('ModelInfer', { model_name: 'fp32', inputs, parameters });
    expect([code, answer?.outputs[0].contents.fp32_contents]).toEqual([OK, [2]]);
  });

  it('of several functions answers with the one that serves the model; metadata names one where two do', async () => {
    const asked: string[] = [];
    const named = (name: string, models: readonly string[]): Unit => {
      const echo = echoFunction();
      const fetch: Unit['handler']['fetch'] = async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === '/v2/health/ready') return Response.json({ ready: true });
        const model = /^\/v2\/models\/([^/]+)/.exec(pathname)?.[1];
        if (model !== undefined && model !== 'stats' && !models.includes(model)) {
          return Response.json(
            { error: `expected one of ${models}`, code: models.length > 0 ? 'MODEL_NOT_FOUND' : 'NOT_FOUND' },
            { status: 404 },
          );
        }
        if (models.length === 0) return Response.json({ error: 'off', code: 'NOT_FOUND' }, { status: 404 });
        asked.push(name);
        return await echo(request);
      };
      return { name, models: [], handler: { fetch, warm: async () => {} } };
    };
    const { call, url } = await serve([
      named('silent', []),
      named('words', ['bytes', 'fp32']),
      named('sums', ['fp32', 'int64']),
    ]);
    const infer = async (model_name: string, headers = {}) =>
      await call('ModelInfer', { model_name, inputs: [input('FP32', [1, 1], { fp32_contents: [1] })] }, { headers });
    for (const turn of [1, 2]) expect(await infer('fp32'), `${turn}`).toMatchObject({ status: OK });
    expect(await infer('fp32', { 'glowplug-function': 'sums' })).toMatchObject({ status: OK });
    expect(asked).toEqual(['words', 'words', 'sums']);
    expect((await call('ModelMetadata', { name: 'int64' })).answer.name).toBe('int64');
    expect(asked.at(-1)).toBe('sums');
    // What the client did wrong is said by who serves the model, not by the next.
    expect(await infer('int64')).toMatchObject({ status: INVALID_ARGUMENT });
    expect(await infer('none')).toMatchObject({
      status: NOT_FOUND,
      code: 'MODEL_NOT_FOUND',
      details: expect.stringContaining('expected one of bytes,fp32'),
    });
    expect(await infer('fp32', { 'glowplug-function': 'smus' })).toMatchObject({
      status: NOT_FOUND,
      details: expect.stringContaining('expected silent, words, sums; got "smus"'),
    });
    expect(await infer('fp32', { 'glowplug-function': 'silent' })).toMatchObject({ status: NOT_FOUND });
    const one = (await call('RepositoryIndex', {}, { headers: { 'glowplug-function': 'words' } })).answer.models;
    expect((await call('RepositoryIndex')).answer.models).toHaveLength(2 * one.length);
    const silent = { headers: { 'glowplug-function': 'silent' } };
    expect(await call('RepositoryIndex', {}, silent)).toMatchObject({ status: NOT_FOUND });
    expect((await call('ModelStatistics')).answer.model_stats.length).toBeGreaterThan(0);
    expect((await fetch(`${url}/sums/v2/models/fp32`)).status).toBe(200);
  });

  it('a message over the limit, and elements that would grow over it, are RESOURCE_EXHAUSTED', async () => {
    const { call } = await serve(undefined, { limits: { bodyBytes: 10_000 } });
    const over = await call('ModelInfer', { ...fp32({}), raw_input_contents: [Buffer.alloc(20_000)] });
    expect(over.status).toBe(RESOURCE_EXHAUSTED);
    // 2,000 bytes on the wire, 16,000 as a tensor.
    const ones = { int64_contents: Array(2000).fill('1') };
    const grown = await call('ModelInfer', { model_name: 'int64', inputs: [input('INT64', [1, 2000], ones)] });
    expect([grown.status, grown.code]).toEqual([RESOURCE_EXHAUSTED, 'INPUT_TOO_LARGE']);
    const most = await call('ModelInfer', { model_name: 'fp32', inputs: Array(1025).fill({ name: 'x' }) });
    expect([most.status, most.details]).toEqual([INVALID_ARGUMENT, expect.stringContaining('at most 1024 inputs')]);
  });

  it.each([
    [new GlowplugError('QUEUE_FULL', 'full', { headers: { 'retry-after': '3' } }), RESOURCE_EXHAUSTED],
    [new GlowplugError('SESSION_LOST', 'a secret path'), UNAVAILABLE],
    [new GlowplugError('MODEL_NOT_FOUND', 'none'), NOT_FOUND],
    [new GlowplugError('MODEL_UNSUPPORTED', 'x'), status.FAILED_PRECONDITION],
    [new GlowplugError('OUTPUT_TOO_LARGE', 'x'), RESOURCE_EXHAUSTED],
    [new GlowplugError('SESSION_FAILED', 'a secret path'), status.INTERNAL],
    [new TypeError('a secret path'), status.INTERNAL],
  ])('%s is its status, and tells nothing of the inside', async (error, expected) => {
    const { call } = await serve(() => {
      throw error;
    });
    const { status: code, details, code: own } = await call('ModelInfer', fp32({ fp32_contents: [1] }));
    expect(code).toBe(expected);
    expect(details).not.toContain('secret');
    expect(own).toBe(error instanceof GlowplugError ? error.code : 'INTERNAL');
  });

  it('asks for a key where HTTP does, and never for health', async () => {
    const { call } = await serve(undefined, { apiKeys: ['the-key'] });
    expect((await call('ServerReady')).status).toBe(OK);
    expect((await call('ModelMetadata', { name: 'fp32' })).status).toBe(UNAUTHENTICATED);
    for (const headers of [{ authorization: 'Bearer the-key' }, { 'x-api-key': 'the-key' }] as {
      [key: string]: string;
    }[]) {
      expect((await call('ModelMetadata', { name: 'fp32' }, { headers })).status).toBe(OK);
    }
  });

  it('health is grpc.health.v1’s', async () => {
    const { raw: ask } = await serve();
    const check = async (service: string) =>
      await ask(
        '/grpc.health.v1.Health/Check',
        Buffer.concat([Buffer.from([10, service.length]), Buffer.from(service)]),
      );
    expect((await ask('/grpc.health.v1.Health/Check', Buffer.alloc(0))).answer).toEqual(Buffer.from([8, 1]));
    expect((await check('inference.GRPCInferenceService')).answer).toEqual(Buffer.from([8, 1]));
    expect((await check('other')).status).toBe(NOT_FOUND);
    expect((await ask('/inference.GRPCInferenceService/ModelStreamInfer', Buffer.alloc(0))).status).toBe(
      status.UNIMPLEMENTED,
    );
  });
});

describe('gRPC: waiting', () => {
  it('a deadline that passes aborts the request, and so does a client that cancels', async () => {
    const reasons: string[] = [];
    const { call } = await serve(async (_request, { signal }) => {
      await new Promise((aborted) => signal.addEventListener('abort', aborted, { once: true }));
      reasons.push(signal.reason.code);
      throw signal.reason;
    });
    const message = { model_name: 'm', inputs: [] };
    expect((await call('ModelInfer', message, { deadline: 100 })).status).toBe(status.DEADLINE_EXCEEDED);
    await expect.poll(() => reasons, patient).toEqual(['DEADLINE']);
    const cancels = Promise.withResolvers<() => void>();
    const cancelled = call('ModelInfer', message, { started: cancels.resolve });
    (await cancels.promise)();
    expect((await cancelled).status).toBe(status.CANCELLED);
    // The call may have been taken back before it left the client.
    expect(reasons.slice(1).every((code) => code === 'CLIENT_GONE')).toBe(true);
  });

  it('of 200 calls that are answered no client left, of 5 that were cancelled all did', async () => {
    const logged: unknown[] = [];
    const log = { info: (_message: string, fields: unknown) => logged.push(fields), warn() {}, error() {} };
    const { server, call } = await serve(
      async (request, { signal }) => {
        if (!request.url.includes('/slow/')) return await echoFunction()(request);
        return await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
      { log },
    );
    const inputs = [input('FP32', [1, 1], { fp32_contents: [1] })];
    const answered = Array.from({ length: 200 }, () => call('ModelInfer', { model_name: 'fp32', inputs }));
    expect((await Promise.all(answered)).every(({ status: code }) => code === OK)).toBe(true);
    const cancels: (() => void)[] = [];
    const started = (cancel: () => void) => cancels.push(cancel);
    const cancelled = Array.from({ length: 5 }, () => call('ModelInfer', { model_name: 'slow' }, { started }));
    await expect.poll(() => metric(server.port, 'glowplug_requests_in_flight'), patient).toBe(6);
    for (const cancel of cancels) cancel();
    for (const { status: code } of await Promise.all(cancelled)) expect(code).toBe(status.CANCELLED);
    await expect.poll(() => logged.length, patient).toBe(5);
    expect(logged).toEqual(Array(5).fill(expect.objectContaining({ code: 'CLIENT_GONE' })));
  });

  it('drains: 20 calls that were accepted are answered, a new one is UNAVAILABLE, then the port is free', async () => {
    const go = Promise.withResolvers<void>();
    const { server, call } = await serve(async (request) => {
      await go.promise;
      return await echoFunction()(request);
    });
    const message = { model_name: 'fp32', inputs: [input('FP32', [1, 1], { fp32_contents: [1] })] };
    const accepted = Array.from({ length: 20 }, () => call('ModelInfer', message));
    await expect.poll(async () => await metric(server.port, 'glowplug_requests_in_flight'), patient).toBe(21);
    const { grpcPort } = server;
    const drained = server.drain(10_000);
    expect((await call('ServerReady')).answer).toEqual({ ready: false });
    expect(await call('ModelInfer', message)).toMatchObject({ status: UNAVAILABLE, code: 'SERVER_BUSY' });
    go.resolve();
    expect((await Promise.all(accepted)).map(({ status: code }) => code)).toEqual(Array(20).fill(OK));
    await drained;
    await expect(rawSocket(grpcPort!)).rejects.toThrow('ECONNREFUSED');
  });

  it('past the drain limit the rest is cut; a connection that says nothing holds nobody up', async () => {
    const { server, call } = await serve(async () => await new Promise<Response>(() => {}));
    const silent = await rawSocket(server.grpcPort!);
    const cut = call('ModelInfer', { model_name: 'm' });
    await expect.poll(async () => await metric(server.port, 'glowplug_requests_in_flight'), patient).toBe(2);
    await server.drain(50);
    expect((await cut).status).not.toBe(OK);
    silent.destroy();
  });

  it('says which package is missing, and which port is taken', async () => {
    const { server } = await serve();
    const taken = start([unit(() => new Response())], { grpcPort: server.grpcPort! });
    await expect(taken).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      remedy: expect.stringContaining('--grpc-port'),
    });
    vi.doMock('@grpc/grpc-js', () => {
      throw new Error('not there');
    });
    onTestFinished(() => {
      vi.doUnmock('@grpc/grpc-js');
    });
    vi.resetModules();
    const fresh = await import('../../src/server/server.ts');
    const missing = fresh.startServer([unit(() => new Response())], { host: '127.0.0.1', port: 0, grpcPort: 0 });
    await expect(missing).rejects.toMatchObject({
      code: 'DEPENDENCY_MISSING',
      remedy: 'npm i @grpc/grpc-js, or leave --grpc-port out.',
    });
  });
});

describe('gRPC: fuzz', () => {
  it('bytes that are damaged are refused, or answered as what they then say; never a fault of ours', async () => {
    const { raw, call } = await serve();
    const whole = serialize('ModelInfer', {
      model_name: 'int64',
      id: 'fuzz',
      parameters: { priority: { int64_param: '1' }, name: { string_param: 'ä' } },
      inputs: [input('INT64', [2, 2], { int64_contents: ['1', '-1', '9007199254740993', '0'] })],
      outputs: [{ name: 'y' }],
    });
    const alsoRaw = serialize('ModelInfer', {
      model_name: 'fp32',
      inputs: [input('FP32', [2, 2])],
      raw_input_contents: [Buffer.alloc(16, 1)],
    });
    const damage = fc.array(fc.tuple(fc.nat(200), fc.nat(255), fc.constantFrom('set', 'cut', 'insert', 'repeat')), {
      minLength: 1,
      maxLength: 4,
    });
    const seen = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(whole, alsoRaw), damage, async (message, changes) => {
        const { status: code, details } = await raw(inferPath, damaged(message, changes));
        expect([OK, INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED], details).toContain(code);
        seen.set(code, (seen.get(code) ?? 0) + 1);
      }),
      { numRuns: runs(2000) },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        const { status: code, details } = await raw(inferPath, bytes);
        expect([INVALID_ARGUMENT, NOT_FOUND], details).toContain(code);
        seen.set(code, (seen.get(code) ?? 0) + 1);
      }),
      { numRuns: runs(1000) },
    );
    const after: Called = await call('ServerReady');
    expect(after.answer).toEqual({ ready: true });
    const counted = [...seen].map(([code, count]) => `${count} ${status[code]}`);
    console.log(`gRPC fuzz: ${counted.join(', ')}`);
  });
});

function damaged(message: Uint8Array, changes: readonly [number, number, string][]): Uint8Array {
  let bytes = Buffer.from(message);
  for (const [place, value, how] of changes) {
    const at = place % bytes.length;
    if (how === 'set') bytes[at] = value;
    else if (how === 'cut') bytes = bytes.subarray(0, Math.max(1, at));
    else if (how === 'insert') bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([value]), bytes.subarray(at)]);
    else bytes = Buffer.concat([bytes, bytes.subarray(at)]);
  }
  return bytes;
}
