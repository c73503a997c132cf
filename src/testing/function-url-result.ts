// What a function returned, as a function URL answers it.
// Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs", response payload format.
import { isRecord } from '../core/is-record.ts';

export interface UrlResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Uint8Array;
}

/** An object with a statusCode is the whole answer, anything else is JSON of status 200. Undefined: it is no answer. */
export function functionUrlResponse(payload: Uint8Array): UrlResponse | undefined {
  const result = parse(payload);
  if (!isRecord(result) || !('statusCode' in result)) {
    return { status: 200, headers: { 'content-type': 'application/json' }, body: payload };
  }
  const { statusCode, isBase64Encoded } = result;
  const headers = result['headers'] ?? {};
  const cookies = result['cookies'] ?? [];
  const body = result['body'] ?? '';
  if (!isStatus(statusCode) || !isRecord(headers) || !Array.isArray(cookies) || typeof body !== 'string') {
    return undefined;
  }
  return {
    status: statusCode,
    headers: {
      'content-type': 'application/json',
      ...Object.fromEntries(
        Object.entries(headers)
          // Framing is the host's.
          .filter(([name]) => !/^(content-length|transfer-encoding|connection)$/i.test(name))
          .map(([name, value]) => [name.toLowerCase(), String(value)]),
      ),
      ...(cookies.length > 0 ? { 'set-cookie': cookies.map(String) } : {}),
    },
    body: Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

function isStatus(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 200 && value <= 599;
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString());
  } catch {
    return undefined;
  }
}
