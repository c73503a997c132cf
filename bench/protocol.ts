// What does reading the protocol cost? 64-bit digits against JSON.parse, bytes against JSON, and nonsense against sense.
import { parseInferRequest } from '../src/protocol/infer-request.ts';
import { inferResponse } from '../src/protocol/infer-response.ts';
import { readInferRequest } from '../src/protocol/read-infer-request.ts';
import { parseTensorJson } from '../src/tensor/json.ts';
import type { Tensor } from '../src/tensor/tensor.ts';
import { alternate, atMost, type Result, round } from './measure.ts';

const BODY_BYTES = 600_000;
const runs = 100;
const warmup = 20;

export async function bench(): Promise<Result[]> {
  return [await exactWhole(), await sixteenDigits(), await tooDeep(), ...(await bytes())];
}

/** Every element beyond 2⁵³: the worst for a parser of our own. */
async function exactWhole(): Promise<Result> {
  const step = 9_007_199_254_740_993n;
  return await against('600 KB of INT64 beyond 2⁵³', 'INT64', 5, (i) => `${step + BigInt(i) * 1_234_567_890_123n}`);
}

/** One such element, then small ones: our parser reads them all. */
async function sixteenDigits(): Promise<Result> {
  return await against('600 KB of small INT64, one beyond 2⁵³', 'INT64', 5, (i) =>
    i === 0 ? `${2n ** 60n}` : `${i % 1000}`,
  );
}

async function against(what: string, datatype: string, reach: number, element: (i: number) => string): Promise<Result> {
  const data: string[] = [];
  for (let i = 0, length = 0; length < BODY_BYTES; i++) length += data[data.push(element(i)) - 1]!.length + 1;
  const text = `{"inputs":[{"name":"x","shape":[${data.length}],"datatype":"${datatype}","data":[${data.join(',')}]}]}`;
  const times = await alternate(
    { parse: () => JSON.parse(text), read: () => parseInferRequest(text) },
    { runs, warmup },
  );
  return result(
    what,
    'time over JSON.parse, which loses the digits',
    times.read.median,
    'JSON.parse',
    times.parse.median,
    reach,
  );
}

/** 250,000 levels are refused before anything is built of them. */
async function tooDeep(): Promise<Result> {
  const text = `${'['.repeat(250_000)}${']'.repeat(250_000)}`;
  const refuse = () => {
    try {
      parseTensorJson(text);
    } catch {}
  };
  const times = await alternate({ parse: () => JSON.parse(text), refuse }, { runs, warmup });
  return result(
    '250,000 levels refused',
    'time over JSON.parse',
    times.refuse.median,
    'JSON.parse',
    times.parse.median,
    1,
  );
}

/** 600 KB of FP32 as bytes, there and back, against the same elements as JSON. */
async function bytes(): Promise<Result[]> {
  const elements = Float32Array.from({ length: BODY_BYTES / 4 }, (_, i) => Math.sin(i) * 3);
  const input = { name: 'x', shape: [1, elements.length], datatype: 'FP32' };
  const json = JSON.stringify({ inputs: [{ ...input, data: [...elements] }] });
  const head = JSON.stringify({ inputs: [{ ...input, parameters: { binary_data_size: elements.byteLength } }] });
  const body = new Uint8Array(Buffer.concat([Buffer.from(head), Buffer.from(elements.buffer)]));
  const headers = { 'inference-header-content-length': `${head.length}` };
  const post = (sent: string | Uint8Array<ArrayBuffer>, more = {}) =>
    readInferRequest(new Request('https://f.example/', { method: 'POST', body: sent, headers: more }));
  const reading = await alternate({ bytes: () => post(body, headers), json: () => post(json) }, { runs, warmup });
  const y: Tensor = { datatype: 'FP32', shape: [1, elements.length], data: elements };
  const answer = async (binary: boolean) => {
    const request = { id: undefined, inputs: {}, outputs: undefined, ...(binary ? { binary: 'all' as const } : {}) };
    const response = await inferResponse({ kind: 'inference', model: 'm', version: '1', request, outputs: { y } });
    return await response.arrayBuffer();
  };
  const writing = await alternate({ bytes: () => answer(true), json: () => answer(false) }, { runs, warmup });
  return [
    result(
      '600 KB of FP32 as bytes, read',
      'time over the same as JSON',
      reading.bytes.median,
      'JSON',
      reading.json.median,
      0.2,
    ),
    result(
      '600 KB of FP32 as bytes, written',
      'time over the same as JSON',
      writing.bytes.median,
      'JSON',
      writing.json.median,
      0.2,
    ),
  ];
}

function result(what: string, metric: string, ms: number, other: string, otherMs: number, reach: number): Result {
  const ratio = round(ms / otherMs);
  return atMost({
    case: what,
    metric,
    value: ratio,
    unit: '×',
    against: `${other}, p50 ${round(otherMs)} ms`,
    ratio,
    reach,
    runs,
  });
}
