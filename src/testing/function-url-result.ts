// What a function returned, as a function URL answers it.
// Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs", response payload format.
import { isRecord } from '../core/is-record.ts';

export interface UrlHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

export interface UrlResponse extends UrlHead {
  readonly body: Uint8Array;
}

/** An object with a statusCode is the whole answer, anything else is JSON of status 200. Undefined: it is no answer. */
export function functionUrlResponse(payload: Uint8Array): UrlResponse | undefined {
  const result = parse(payload);
  if (!isRecord(result) || !('statusCode' in result)) {
    return { status: 200, headers: { 'content-type': 'application/json' }, body: payload };
  }
  const head = urlHead(result, 'application/json');
  const body = result['body'] ?? '';
  if (!head || typeof body !== 'string') return undefined;
  return { ...head, body: Buffer.from(body, result['isBase64Encoded'] === true ? 'base64' : 'utf8') };
}

/** Status, headers and cookies of a result, or of a stream's prelude. Undefined: HTTP cannot carry them. */
export function urlHead(result: Readonly<Record<string, unknown>>, contentType: string): UrlHead | undefined {
  const { statusCode = 200 } = result;
  const headers = result['headers'] ?? {};
  const cookies = result['cookies'] ?? [];
  if (!isStatus(statusCode) || !isRecord(headers) || !Array.isArray(cookies)) return undefined;
  return {
    status: statusCode,
    headers: {
      'content-type': contentType,
      ...Object.fromEntries(
        Object.entries(headers)
          // Framing is the host's.
          .filter(([name]) => !/^(content-length|transfer-encoding|connection)$/i.test(name))
          .map(([name, value]) => [name.toLowerCase(), String(value)]),
      ),
      ...(cookies.length > 0 ? { 'set-cookie': cookies.map(String) } : {}),
    },
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
