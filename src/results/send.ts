// A signed request to S3 over node:https. A queue's function makes one a record: fetch with aws4fetch takes 340 µs of its
// thread and WebCrypto's threads for it, this 190 and no other; the rest of a record takes 30 and its model's run.
import { createHash, createHmac } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Credentials } from '../core/contract.ts';

export interface S3Request {
  readonly method: 'GET' | 'PUT';
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

export type Send = (request: S3Request, signal?: AbortSignal) => Promise<S3Answer>;

/** Connections stay open between records, and between invocations as long as the other side keeps them. */
export function httpSend(): Send {
  const options = { keepAlive: true, maxSockets: 128 };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };
  return ({ method, url, headers, body }, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<S3Answer>();
    const [start, agent] = url.protocol === 'http:' ? [httpRequest, agents.http] : [httpsRequest, agents.https];
    const length = method === 'PUT' ? { 'content-length': `${body?.byteLength ?? 0}` } : {};
    const request = start(url, { method, agent, headers: { ...headers, ...length }, ...(signal ? { signal } : {}) });
    request.setTimeout(silenceMs, () => request.destroy(new Error(`nothing came for ${silenceMs} ms`)));
    request.once('error', reject).once('response', (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .once('error', reject)
        .once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Uint8Array.from(Buffer.concat(chunks)),
          }),
        );
    });
    request.end(body);
    return promise;
  };
}

/**
 * The request with its date, the digest of its body and its signature.
 * Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header".
 */
export function signer(credentials: Credentials, region: string, now: () => Date): (request: S3Request) => S3Request {
  let day = '';
  let key = Buffer.alloc(0);
  return (request) => {
    const { method, url, body = new Uint8Array() } = request;
    const date = now()
      .toISOString()
      .replace(/[-:]|\.\d{3}/g, '');
    const scope = [date.slice(0, 8), region, 's3', 'aws4_request'];
    if (day !== scope[0]) {
      day = scope[0] ?? '';
      key = scope.reduce((from, part) => hmac(from, part), Buffer.from(`AWS4${credentials.secretAccessKey}`));
    }
    const token = credentials.sessionToken;
    const headers: Record<string, string> = {
      ...request.headers,
      host: url.host,
      'x-amz-date': date,
      'x-amz-content-sha256': sha256(body),
      ...(token === undefined ? {} : { 'x-amz-security-token': token }),
    };
    const signed = Object.keys(headers)
      .filter((name) => name === 'host' || name.startsWith('x-amz-'))
      .sort();
    const lines = signed.map((name) => `${name}:${headers[name]?.trim()}\n`).join('');
    const path = url.pathname.replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
    const names = signed.join(';');
    const canonical = [method, path, '', lines, names, headers['x-amz-content-sha256']].join('\n');
    const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope.join('/'), sha256(canonical)].join('\n')).toString(
      'hex',
    );
    const credential = `Credential=${credentials.accessKeyId}/${scope.join('/')}`;
    const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names}, Signature=${signature}`;
    return { ...request, headers: { ...headers, authorization } };
  };
}

/** Longest silence of S3. */
const silenceMs = 10_000;

function hmac(key: Buffer, text: string) {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
