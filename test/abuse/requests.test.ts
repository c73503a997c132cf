// Whatever a client sends: a clear 4xx, never a stack trace, and the warm environment goes on answering.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../src/testing/index.ts';
import { readSamples } from '../../src/testing/samples.ts';
import { root } from '../root.ts';

const iris = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 };
const page = readFileSync(join(root, 'functions/ocr/request.png'));

const toIris: readonly [string, string | Uint8Array<ArrayBuffer>, number, string][] = [
  ['an empty body', '', 400, 'INPUT_EMPTY'],
  ['text that is not JSON', 'sepalLength=5.1', 400, 'INPUT_JSON'],
  ['JSON that is cut off', '{"sepalLength":5.1', 400, 'INPUT_JSON'],
  // Lambda itself puts U+FFFD for what is not UTF-8 in a body of text: what arrives is a string, and no flower.
  ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xc0, 0xaf, 0x22), 400, 'INPUT_SCHEMA'],
  ['null', 'null', 400, 'INPUT_SCHEMA'],
  ['a field less', JSON.stringify({ ...iris, petalWidth: undefined }), 400, 'INPUT_SCHEMA'],
  ['a string for a number', JSON.stringify({ ...iris, petalWidth: '0.2' }), 400, 'INPUT_SCHEMA'],
  [
    'a number beyond all flowers',
    '{"sepalLength":1e308,"sepalWidth":1,"petalLength":1,"petalWidth":1}',
    400,
    'INPUT_SCHEMA',
  ],
  ['nesting without end', '['.repeat(250_000), 400, 'INPUT_JSON'],
  ['a prototype to pollute', '{"__proto__":{"sepalLength":1}}', 400, 'INPUT_SCHEMA'],
];

const toOcr: readonly [string, Uint8Array<ArrayBuffer>, number, string][] = [
  ['an empty body', new Uint8Array(), 400, 'INPUT_EMPTY'],
  ['text', bytes(Buffer.from('this is no image')), 400, 'INPUT_IMAGE'],
  ['an image that is cut off', bytes(page.subarray(0, page.length >> 1)), 400, 'INPUT_IMAGE'],
  ['the head of an image', bytes(page.subarray(0, 40)), 400, 'INPUT_IMAGE'],
  ['an image that claims 10⁹ pixels', png(31_623, 31_623), 413, 'INPUT_TOO_LARGE'],
  ['an image that claims 2³¹ pixels a side', png(0x7fffffff, 0x7fffffff), 400, 'INPUT_IMAGE'],
];

const recording = readFileSync(join(root, 'functions/speech/request.wav'));
const latin1 = 'text/plain; charset=iso-8859-1';

/** To the other functions: name, what, content type, body, answer. */
const toOthers: readonly [string, string, string, string | Uint8Array<ArrayBuffer>, number, string][] = [
  ['speech', 'an empty body', 'audio/wav', '', 400, 'INPUT_EMPTY'],
  ['speech', 'a recording that is cut off', 'audio/wav', bytes(recording.subarray(0, 50_000)), 400, 'INPUT_AUDIO'],
  ['speech', 'a header that claims 4 GHz', 'audio/wav', patched(recording, 24, 4_000_000_000), 400, 'INPUT_AUDIO'],
  [
    'speech',
    'a header that claims 65,535 channels',
    'audio/wav',
    patched(recording, 20, 0xffff_0001),
    400,
    'INPUT_AUDIO',
  ],
  ['speech', 'an MP3', 'audio/mpeg', bytes(Buffer.from('ID3\x04')), 400, 'INPUT_AUDIO'],
  ['speech', 'ten minutes', 'audio/PCMU', new Uint8Array(8000 * 600 - 2e6).fill(255), 413, 'INPUT_TOO_LARGE'],
  ['spam', 'white space', 'text/plain', ' \n\t', 400, 'INPUT_TEXT'],
  ['spam', 'a charset that the URL loses', latin1, Uint8Array.of(0x47, 0x72, 0xfc, 0xdf), 400, 'INPUT_TEXT'],
  ['spam', 'a form', 'application/x-www-form-urlencoded', 'text=hello', 400, 'INPUT_TEXT'],
  ['spam', 'a novel', 'text/plain', 'a '.repeat(100_001), 413, 'INPUT_TOO_LARGE'],
  ['embed', 'no texts', 'application/json', '{"texts":[]}', 400, 'INPUT_TEXT'],
  ['embed', 'too many', 'application/json', JSON.stringify({ texts: Array(65).fill('a') }), 413, 'INPUT_TOO_LARGE'],
  ['tensors', 'no tensor', 'application/json', '{"inputs":[]}', 400, 'INPUT_TENSOR'],
  ['tensors', 'a shape of 10¹² elements', 'application/json', inputs([1_000_000, 1_000_000]), 400, 'INPUT_TENSOR'],
];

describe('abuse: requests', () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await startLocalCloud({ root });
  }, 120_000);
  afterAll(async () => await cloud?.[Symbol.asyncDispose]());

  const send = async (name: string, body: string | Uint8Array<ArrayBuffer>, contentType: string) => {
    const response = await cloud
      .function(name)
      .fetch('/', { method: 'POST', headers: { 'content-type': contentType }, body });
    return { status: response.status, text: await response.text() };
  };

  it.each(toIris)('iris refuses %s', async (_name, body, status, code) => {
    expectRefusal(await send('iris', body, 'application/json'), status, code);
  });

  it.each(toOcr)('ocr refuses %s', async (_name, body, status, code) => {
    expectRefusal(await send('ocr', body, 'image/png'), status, code);
  });

  it('both still answer, each in the environment that it began with', async () => {
    expect((await send('iris', JSON.stringify(iris), 'application/json')).status).toBe(200);
    expect((await send('ocr', bytes(page), 'image/png')).status).toBe(200);
    for (const name of ['iris', 'ocr']) {
      const inits =
        cloud
          .function(name)
          .logs()
          .match(/Init Duration/g) ?? [];
      expect(inits).toHaveLength(1);
    }
  });

  it.each(toOthers)('%s refuses %s', async (name, _what, contentType, body, status, code) => {
    expectRefusal(await send(name, body, contentType), status, code);
  });

  it.each(readSamples(root).filter(({ name }) => name !== 'iris' && name !== 'ocr'))(
    '$name still answers its sample',
    async ({ name, body, contentType }) => {
      expect((await send(name, body, contentType)).status).toBe(200);
    },
  );
});

/** 32 bits at `at`, little-endian, put to another number. */
function patched(file: Uint8Array, at: number, value: number): Uint8Array<ArrayBuffer> {
  const copy = Buffer.from(file);
  copy.writeUInt32LE(value, at);
  return bytes(copy);
}

function inputs(shape: readonly number[]): string {
  return JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape, data: [1] }] });
}

function expectRefusal(answer: { status: number; text: string }, status: number, code: string): void {
  const body: unknown = JSON.parse(answer.text);
  expect({ status: answer.status, body }).toMatchObject({ status, body: { code } });
  expect(Object.keys(Object(body))).toEqual(['error', 'code', 'remedy', 'requestId']);
  expect(answer.text).not.toMatch(/\bat .*:\d+:\d+|node_modules|\.ts\b/);
}

/** A PNG whose head claims a size that its one row of data does not have. */
function png(width: number, height: number): Uint8Array<ArrayBuffer> {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  return bytes(
    Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
      chunk('IHDR', head),
      chunk('IDAT', deflateSync(Buffer.alloc(64))),
      chunk('IEND', Buffer.alloc(0)),
    ]),
  );
}

function bytes(buffer: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer);
}
