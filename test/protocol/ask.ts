// Asks an echo: writes requests of the protocol, and reads answers as their header says.
import { expect } from 'vitest';
import { echoFunction } from './echo.ts';

export const fetch = echoFunction();

export type Body = string | Uint8Array<ArrayBuffer>;

/** POSTs an inference. */
export function infer(model: string, body: Body, headers: Record<string, string> = {}): Request {
  const url = `https://f.example/v2/models/${encodeURIComponent(model)}/infer`;
  return new Request(url, { method: 'POST', body, headers });
}

/** JSON and bytes as one body, with the header that says where they meet. */
export function binaryBody(json: unknown, ...tail: readonly Uint8Array[]) {
  const head = Buffer.from(JSON.stringify(json));
  const body = new Uint8Array(Buffer.concat([head, ...tail]));
  return { body, headers: { 'inference-header-content-length': `${head.byteLength}` } };
}

/** An answer read as its header says. */
export async function readAnswer(response: Response) {
  const bytes = Buffer.from(await response.arrayBuffer());
  const length = Number(response.headers.get('inference-header-content-length') ?? bytes.byteLength);
  const json: Record<string, unknown> = JSON.parse(bytes.subarray(0, length).toString(), exact);
  return { status: response.status, json, tail: bytes.subarray(length) };
}

/** Integers that JSON.parse rounds come as BigInts. */
function exact(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source ?? '';
  return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

export function floats(...values: number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** A request of one input with its data in JSON. */
export function x(datatype: string, shape: unknown, data: unknown, more: object = {}) {
  return { inputs: [{ name: 'x', datatype, shape, data, ...more }] };
}

/** A request of one input whose data follow as bytes. */
export function sized(datatype: string, shape: unknown, size: unknown) {
  return x(datatype, shape, undefined, { parameters: { binary_data_size: size } });
}

export async function refused(model: string, body: Body, headers: Record<string, string>, message: RegExp) {
  const { status, json } = await readAnswer(await fetch(infer(model, body, headers)));
  expect(json['error']).toMatch(message);
  expect({ status, ...json }).toMatchObject({ status: 400, error: expect.any(String), requestId: 'r-1' });
}

/** The outputs of the answer. */
export async function echoed(model: string, body: unknown) {
  const { status, json } = await readAnswer(await fetch(infer(model, JSON.stringify(body))));
  expect({ status, json }).toMatchObject({ status: 200 });
  return json['outputs'];
}
