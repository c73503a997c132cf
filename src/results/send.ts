// A signed request to S3 over node:https. A queue's function makes one a record: fetch with aws4fetch takes 340 µs of its
// thread and WebCrypto's threads for it, this 190 and no other; the rest of a record takes 30 and its model's run.
import { createHash, type KeyObject } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Credentials } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { dayOf, signingKey, signS3 } from '../models/stores/sign-s3.ts';

export interface S3Request {
  readonly method: 'GET' | 'PUT';
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Of the answer; more is INPUT_TOO_LARGE. @default no limit */
  readonly maxBytes?: number;
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
  return ({ method, url, headers, body, maxBytes = Infinity }, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<S3Answer>();
    const [start, agent] = url.protocol === 'http:' ? [httpRequest, agents.http] : [httpsRequest, agents.https];
    const length = method === 'PUT' ? { 'content-length': `${body?.byteLength ?? 0}` } : {};
    const request = start(url, { method, agent, headers: { ...headers, ...length }, ...(signal ? { signal } : {}) });
    request.setTimeout(silenceMs, () => request.destroy(new Error(`nothing came for ${silenceMs} ms`)));
    request.once('error', reject).once('response', (response) => {
      let length = 0;
      const chunks: Buffer[] = [];
      const allow = (bytes: number) => {
        if (bytes <= maxBytes) return;
        reject(tooLarge(bytes, maxBytes));
        request.destroy();
      };
      allow(Number(response.headers['content-length'] ?? 0));
      response
        .on('data', (chunk: Buffer) => {
          length += chunk.byteLength;
          allow(length);
          chunks.push(chunk);
        })
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

function tooLarge(bytes: number, maxBytes: number): GlowplugError {
  return new GlowplugError('INPUT_TOO_LARGE', `expected at most ${maxBytes} bytes (maxBytes), got ${bytes}`);
}

/** The request with its date, the digest of its body and its signature. */
export function signer(credentials: Credentials, region: string, now: () => Date): (request: S3Request) => S3Request {
  const own = { credentials, region };
  let day = '';
  let key: KeyObject | undefined;
  return (request) => {
    const at = now();
    if (day !== dayOf(at)) {
      day = dayOf(at);
      key = signingKey(own, day);
    }
    const payload = createHash('sha256')
      .update(request.body ?? '')
      .digest('hex');
    return { ...request, headers: signS3({ ...request, payload }, own, at, key) };
  };
}

/** Longest silence of S3. */
const silenceMs = 10_000;
