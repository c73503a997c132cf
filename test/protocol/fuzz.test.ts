// Malformed requests, by the ten thousand: each is refused with a 4xx or answered rightly; nothing crashes, hangs or grows.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Context as LambdaContext } from 'aws-lambda';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerEvent } from '../../src/adapters/lambda.ts';
import { standardRequest } from '../../src/core/light-http.ts';
import { runs } from '../runs.ts';
import { readAnswer } from './ask.ts';
import { type Draft, drafts, harmful, toBytes, writeDraft } from './drafts.ts';
import { echoFunction } from './echo.ts';

const fetch = echoFunction();
const lambda = { awsRequestId: 'r-7', getRemainingTimeInMillis: () => 30_000 } as LambdaContext;
setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

type Answer = Awaited<ReturnType<typeof readAnswer>>;
const counts: Record<string, number> = {};

describe('fuzz: inference requests', () => {
  it('that are well-formed are answered with exactly the elements that were sent', async () => {
    await fc.assert(
      fc.asyncProperty(drafts, fc.boolean(), async (draft, byUrl) => {
        const answer = await send(draft, byUrl);
        expect(answer.json).not.toHaveProperty('error');
        expect(answer.status).toBe(200);
        expect(elementsOf(answer, draft)).toEqual(draft.bytes);
        count('answered rightly');
      }),
      { numRuns: runs(600) },
    );
  });

  it('that are malformed in one way are refused with a 4xx that says why', async () => {
    const ways = fc.constantFrom(...harmful.keys());
    await fc.assert(
      fc.asyncProperty(drafts, ways, fc.boolean(), async (draft, way, byUrl) => {
        fc.pre(harmful[way]!(draft));
        expectRefusal(await send(draft, byUrl));
        count('malformed by structure');
      }),
      { numRuns: runs(5200) },
    );
  });

  it('to any path, by any method, are never a fault of ours', async () => {
    const parts = fc.constantFrom(
      'v2',
      'models',
      'repository',
      'health',
      'versions',
      'fp32',
      '1',
      'stats',
      'config',
      'infer',
    );
    const more = fc.constantFrom('index', 'ready', 'live', 'load', '%ff', '%2F', '..', '', '__proto__', 'ä');
    const path = fc.array(fc.oneof(parts, more), { maxLength: 6 }).map((list) => `/v2/${list.join('/')}`);
    const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS');
    const sent = fc.oneof(fc.string(), fc.json(), fc.constantFrom('', '{}', '{"ready":true}', '['.repeat(300)));
    await fc.assert(
      fc.asyncProperty(path, method, sent, async (where, how, body) => {
        const bodyless = how === 'GET' || how === 'HEAD';
        const request = new Request(`https://f.example${where}`, { method: how, ...(bodyless ? {} : { body }) });
        expect((await fetch(request)).status).toBeLessThan(500);
        count('paths and methods');
      }),
      { numRuns: runs(600) },
    );
  });

  it('with damaged bytes are refused, or answered as what they then say', async () => {
    const damage = fc.array(
      fc.record({
        at: fc.noBias(fc.nat()),
        cut: fc.option(fc.nat(3)),
        put: fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.constantFrom(...tokens)),
      }),
      { minLength: 1, maxLength: 3 },
    );
    const header = fc.oneof(
      { weight: 9, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom('0', '1', '7', '40', '99', ' 4') },
    );
    await grows(async () => {
      await fc.assert(
        fc.asyncProperty(drafts, damage, header, fc.boolean(), async (draft, spots, length, byUrl) => {
          if (length !== undefined) draft.headerLength = () => length;
          const { pack } = draft;
          draft.pack = (body) => pack(spots.reduce(damaged, body));
          const answer = await send(draft, byUrl);
          if (answer.status === 200) expectAnswer(answer);
          else if (answer.json['code'] === 'OUTPUT_JSON') count('damaged: NaN, asked for as JSON');
          else expectRefusal(answer);
          count(answer.status === 200 ? 'damaged: answered' : 'damaged: refused');
        }),
        { numRuns: runs(5200) },
      );
    });
    console.log(
      `fuzz: ${Object.entries(counts)
        .map(([what, number]) => `${number} ${what}`)
        .join(', ')}`,
    );
  });
});

const tokens = [
  '[',
  ']',
  '{',
  '}',
  '"',
  '\\',
  ',',
  ':',
  '-',
  '0',
  '9'.repeat(20),
  '1e999',
  'null',
  '\u0000',
  '\ufeff',
  '\ud7ff',
].map((token) => new Uint8Array(Buffer.from(token)));

function damaged(body: Buffer, { at, cut, put }: { at: number; cut: number | null; put: Uint8Array }): Buffer {
  const from = at % (body.length + 1);
  return Buffer.concat([body.subarray(0, from), put, body.subarray(from + (cut ?? put.length))]);
}

/** In process, or as Lambda's function URL carries it. */
async function send(draft: Draft, byUrl: boolean): Promise<Answer> {
  const { body, headers } = writeDraft(draft);
  const path = `/v2/models/${encodeURIComponent(draft.model)}/infer`;
  if (!byUrl) {
    const url = `https://f.example${path}${draft.query}`;
    return await readAnswer(
      await fetch(new Request(url, { method: draft.method, headers, body: new Uint8Array(body) })),
    );
  }
  const event = {
    version: '2.0',
    rawPath: path,
    rawQueryString: draft.query.slice(1),
    headers,
    requestContext: { domainName: 'f.example', http: { method: draft.method } },
    body: body.toString('base64'),
    isBase64Encoded: true,
  };
  const result = (await answerEvent((request) => fetch(standardRequest(request)), event, lambda)) as {
    statusCode: number;
    headers: Record<string, string>;
    body: string;
    isBase64Encoded: boolean;
  };
  const bytes = new Uint8Array(Buffer.from(result.body, result.isBase64Encoded ? 'base64' : 'utf8'));
  return await readAnswer(new Response(bytes, { status: result.statusCode, headers: result.headers }));
}

function expectRefusal({ status, json }: Answer): void {
  expect(json['error']).toEqual(expect.any(String));
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
}

/** Whatever was asked: the elements are as many as the shape says. */
function expectAnswer({ json, tail }: Answer): void {
  const [output] = json['outputs'] as [
    { shape: number[]; data?: unknown[]; parameters?: { binary_data_size: number } },
  ];
  const elements = output.shape.reduce((product, length) => product * length, 1);
  if (output.data) expect(output.data).toHaveLength(elements);
  else expect(output.parameters?.binary_data_size).toBe(tail.length);
}

function elementsOf({ json, tail }: Answer, { datatype }: Draft): Buffer {
  const [output] = json['outputs'] as [{ data?: unknown[] }];
  return output.data ? toBytes(datatype, output.data) : Buffer.from(tail);
}

/** Warm first, then the heap before and after. */
async function grows(work: () => Promise<void>): Promise<void> {
  collect();
  const before = process.memoryUsage();
  await work();
  collect();
  const after = process.memoryUsage();
  const growth = after.heapUsed + after.external - before.heapUsed - before.external;
  count('KB of growth', Math.round(growth / 1e3));
  expect(growth).toBeLessThan(20e6);
}

function count(what: string, by = 1): void {
  counts[what] = (counts[what] ?? 0) + by;
}
