// glowplug client: what is written compiles, is the same each time, and answers for what the function does.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type } from 'arktype';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { clientCommand } from '../../src/cli/client.ts';
import { json } from '../../src/handler/input.ts';
import { clientText, type DescribedFunction } from '../../src/release/client/client-text.ts';
import { jsonSchemaType } from '../../src/release/client/json-schema-type.ts';
import { sampleSchema } from '../../src/release/client/sample-schema.ts';
import { root } from '../root.ts';
import { runCommand } from './run-command.ts';

const names = ['embed', 'iris', 'ocr', 'spam', 'speech', 'tensors'];

describe('glowplug client', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-client-'));
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));
  const client = async (...args: string[]) => await runCommand(clientCommand(), ...args, '--out', folder);

  it('writes what compiles under the strictest rules in browsers and in Node, and is the same the second time', async () => {
    expect(await client(...names)).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await client(...names)).stdout).not.toContain('written');
    // What a caller may write, and may not.
    await writeFile(
      join(folder, 'use.ts'),
      `import { createIris } from './iris.ts';
import { createOcr } from './ocr.ts';
import { createSpeech } from './speech.ts';
import { createTensors } from './tensors.ts';
export async function use(url: URL) {
  const { outputs } = { outputs: await createTensors({ url })({ x: { shape: [1, 4], data: new Float32Array(4) } }) };
  const label: bigint | undefined = outputs.class.data[0];
  // @ts-expect-error four columns
  await createTensors({ url })({ x: { shape: [1, 3], data: new Float32Array(3) } });
  // @ts-expect-error no such element type
  await createTensors({ url })({ x: { shape: [1, 4], data: new Float64Array(4) } });
  const { class: name } = await createIris({ url })({ sepalLength: 1, sepalWidth: 1, petalLength: 1, petalWidth: 1 });
  // @ts-expect-error lengths are numbers
  await createIris({ url })({ sepalLength: '1', sepalWidth: 1, petalLength: 1, petalWidth: 1 });
  const { lines } = await createOcr({ url })(new Blob([]), { signal: AbortSignal.timeout(1) });
  for await (const { start } of createSpeech({ url })(new Uint8Array(1), { type: 'audio/wav' })) return start;
  return [label, name.length, lines.map(({ text, box }) => [text, box[0]?.[0]])];
}
`,
    );
    // What --strict alone takes, its stricter companions may refuse, and the other way round.
    const stricter = '--noUncheckedIndexedAccess --exactOptionalPropertyTypes --noImplicitOverride --noUnusedLocals';
    const modules = '--noEmit --module esnext --moduleResolution bundler --allowImportingTsExtensions --target es2022';
    const where = [
      `${stricter} --lib es2022,dom,dom.asynciterable --types`,
      '--lib es2022,dom --types',
      `--lib es2022 --types node --typeRoots ${root}/node_modules/@types`,
      `${stricter} --lib es2022 --types node --typeRoots ${root}/node_modules/@types`,
    ];
    for (const platform of where) {
      const flags = `--strict ${modules} ${platform}`.split(' ');
      if (flags.at(-1) === '--types') flags.push('');
      await expect(
        tsc([...flags, join(folder, 'use.ts'), ...names.map((name) => join(folder, `${name}.ts`))]),
      ).resolves.toBe('');
    }
  }, 60_000);

  it('--check writes nothing, and fails where a file is absent or another', async () => {
    expect(await client('iris', 'spam')).toMatchObject({ exitCode: 0 });
    expect(await client('iris', 'spam', '--check')).toMatchObject({ exitCode: 0 });
    await writeFile(join(folder, 'spam.ts'), 'old');
    const { exitCode, stderr, stdout } = await client('iris', 'spam', '--check', '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).stale).toEqual([join(folder, 'spam.ts')]);
    expect(stderr).toMatch(
      /spam\.ts: not what the functions take and answer now[\s\S]*Write it again with glowplug client/,
    );
    expect(await readFile(join(folder, 'spam.ts'), 'utf8')).toBe('old');
  });

  it('names the functions there are when it does not know one', async () => {
    expect((await client('irsi')).stderr).toContain(
      'expected one of the functions embed, iris, ocr, spam, speech, tensors; got irsi',
    );
  });
});

describe('the types of a client', () => {
  it('are those of the schema, where its library tells one', () => {
    const zod = json(
      z.object({
        text: z.string().max(10),
        mode: z.enum(['a', 'b']).default('a'),
        at: z.tuple([z.number(), z.string()]).optional(),
      }),
    );
    expect(jsonSchemaType(zod.jsonSchema?.())).toBe(
      "{ readonly text: string; readonly mode?: 'a' | 'b'; readonly at?: readonly [number, string] }",
    );
    expect(jsonSchemaType(json(type({ n: 'number', 'note?': 'string | null' })).jsonSchema?.())).toBe(
      '{ readonly n: number; readonly note?: string | null }',
    );
  });

  it('are unknown where a schema refers to itself, and quoted where names and values must be', () => {
    const tree = {
      type: 'object',
      properties: { 'left-hand': { $ref: '#' }, "it's": { const: "'" } },
      required: ['left-hand', "it's"],
    };
    expect(jsonSchemaType(tree)).toBe("{ readonly 'left-hand': unknown; readonly 'it\\'s': '\\'' }");
  });

  it('of a sample: what stands in some objects only is optional, what differs is either', () => {
    expect(jsonSchemaType(sampleSchema([{ a: 1 }, { a: null, b: [] }]))).toBe(
      'readonly { readonly a: number | null; readonly b?: readonly unknown[] }[]',
    );
  });
});

it('a client compiles whatever the function, its tensors and its content types are called', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-client-'));
  onTestFinished(async () => await rm(folder, { recursive: true }));
  const base = { inputSchema: undefined, sampleRequest: undefined, goldenAnswer: undefined } as const;
  const spec = { datatype: 'FP32', shape: ['*/ evil', 'N'] } as const;
  const signature = { inputs: { "it's */ x": spec }, outputs: { 'y-1': spec } };
  const texts = [
    clientText({ ...base, name: '3d-pose', input: { kind: 'tensors' }, output: 'tensors', signature }),
    clientText({
      ...base,
      name: 'any_thing',
      input: { kind: 'custom', accepts: { contentTypes: ['*/*'] } },
      output: 'bytes',
      signature: undefined,
    }),
  ];
  const files = texts.map((_text, at) => join(folder, `${at}.ts`));
  for (const [at, text] of texts.entries()) await writeFile(files[at]!, text);
  const flags = [
    '--strict',
    '--noUnusedLocals',
    '--noEmit',
    '--target',
    'es2022',
    '--lib',
    'es2022,dom',
    '--types',
    '',
  ];
  await expect(tsc([...flags, '--module', 'esnext', '--moduleResolution', 'bundler', ...files])).resolves.toBe('');
}, 60_000);

describe('a client', () => {
  const described: DescribedFunction = {
    name: 'echo',
    input: { kind: 'json' },
    inputSchema: {},
    output: 'lines',
    signature: undefined,
    sampleRequest: undefined,
    goldenAnswer: [1],
  };
  const whole = { ...described, output: 'custom' } as const;
  type Create = (
    options: object,
  ) => (input: unknown, call?: { signal?: AbortSignal }) => Promise<unknown> & AsyncIterable<unknown>;

  /** The client of `described`, its `Date.now` and timers this test's own. */
  async function create(of: DescribedFunction, answers: (() => Response)[], options: object = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'glowplug-client-'));
    onTestFinished(async () => await rm(folder, { recursive: true }));
    await writeFile(join(folder, 'echo.ts'), clientText(of));
    const { createEcho }: { createEcho: Create } = await import(join(folder, 'echo.ts'));
    const requests: Request[] = [];
    const fetch = async (request: Request) => {
      requests.push(request);
      return (answers.shift() ?? (() => Response.json('none left', { status: 500 })))();
    };
    return { call: createEcho({ url: 'https://function.test/', fetch, ...options }), requests };
  }

  const busy =
    (headers: Record<string, string>, status = 429) =>
    () =>
      Response.json({ error: 'busy', code: 'QUEUE_FULL', remedy: 'Wait.', requestId: 'r1' }, { status, headers });

  it('waits as long as Retry-After says and a little more, then asks again, signed anew, the body whole', async () => {
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(1);
    onTestFinished(() => void vi.useRealTimers().restoreAllMocks());
    let signed = 0;
    const sign = (request: Request) =>
      new Request(request, { headers: { ...Object.fromEntries(request.headers), authorization: `${signed++}` } });
    const { call, requests } = await create(
      whole,
      [busy({ 'retry-after': '7' }), busy({}, 503), () => Response.json({ done: true })],
      { sign, apiKey: 'k' },
    );
    const answer = call({ n: 1 });
    await vi.advanceTimersByTimeAsync(6_999);
    expect(requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(201);
    expect(requests).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(400);
    expect(await answer).toEqual({ done: true });
    expect(await Promise.all(requests.map((request) => request.text()))).toEqual(Array(3).fill('{"n":1}'));
    expect(requests.map(({ headers }) => [headers.get('authorization'), headers.get('x-api-key')])).toEqual([
      ['0', 'k'],
      ['1', 'k'],
      ['2', 'k'],
    ]);
  });

  it('gives up at once where waiting is no use, after its retries, and beyond a minute', async () => {
    const failing = async (answers: (() => Response)[], options?: object) => {
      const { call, requests } = await create(whole, answers, options);
      const error = await call(1).catch((error: unknown) => error);
      return { error, asked: requests.length };
    };
    expect(await failing([busy({}, 413)])).toMatchObject({
      asked: 1,
      error: { status: 413, code: 'QUEUE_FULL', remedy: 'Wait.', requestId: 'r1', message: 'busy' },
    });
    expect(await failing([busy({})], { retries: 0 })).toMatchObject({ asked: 1 });
    expect(await failing([busy({ 'retry-after': '61' })])).toMatchObject({ asked: 1, error: { retryAfter: 61_000 } });
    expect(await failing([() => new Response('<html>', { status: 502 })])).toMatchObject({
      error: { status: 502, code: undefined, message: 'the function answered 502' },
    });
  });

  it('that waits ends when its signal does', async () => {
    const { call } = await create(whole, [busy({ 'retry-after': '30' })]);
    const stop = new AbortController();
    const answer = call(1, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('enough')), 5);
    await expect(answer).rejects.toThrow('enough');
  });

  const parts =
    (...texts: string[]) =>
    () =>
      new Response(new Blob(texts).stream());
  const read = async (of: DescribedFunction, answer: () => Response) => {
    const { call } = await create(of, [answer]);
    const values: unknown[] = [];
    const error = await (async () => {
      for await (const value of call(1)) values.push(value);
    })().catch((error: unknown) => error);
    return { values, error };
  };
  const failed = JSON.stringify({ error: 'late', code: 'DEADLINE', remedy: 'r', requestId: 'x' });

  it('of JSON lines and of server-sent events yields each value, and throws the error among them', async () => {
    expect(await read(described, parts('{"a":', '1}\n"é', '"\n'))).toEqual({
      values: [{ a: 1 }, 'é'],
      error: undefined,
    });
    expect(await read(described, parts(`1\n${failed}\n`))).toMatchObject({ values: [1], error: { code: 'DEADLINE' } });
    const events = { ...described, output: 'events' } as const;
    expect(await read(events, parts('data: 1\n\nda', 'ta: 2\n\n'))).toEqual({ values: [1, 2], error: undefined });
    expect(await read(events, parts(`data: 1\n\nevent: error\ndata: ${failed}\n\n`))).toMatchObject({
      values: [1],
      error: { code: 'DEADLINE' },
    });
  });

  it('of a streamed answer that was cut off does not take it for whole', async () => {
    expect(await read(described, parts('1\n{"a"'))).toMatchObject({
      values: [1],
      error: { message: 'the answer broke off inside a part' },
    });
  });
});

async function tsc(flags: string[]): Promise<string> {
  const args = [join(root, 'node_modules/typescript/bin/tsc'), '--ignoreConfig', ...flags];
  return await promisify(execFile)(process.execPath, args).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
}
