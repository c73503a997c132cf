// An error as the bytes of an HTTP/1.1 answer, for a socket that no request object stands for. The connection ends with it.
import { STATUS_CODES } from 'node:http';
import { catalogue, type ErrorCode } from '../core/error-catalogue.ts';

export interface RawAnswer {
  readonly status: number;
  readonly code: ErrorCode;
  readonly error: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function rawAnswer({ status, code, error, headers = {} }: RawAnswer): string {
  const body = JSON.stringify({ error, code, remedy: catalogue[code].remedy });
  const head = {
    connection: 'close',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}
