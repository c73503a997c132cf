// Requests and answers past Lambda's 6 MB travel through S3:
//
//   POST /uploads { bytes, contentType } ─► a presigned PUT ─► the bytes ─► POST / with x-glowplug-upload ─► the answer, or 303 to it
//
// A client never names a key or a URL: a key is the hash of a token and of who asked for it.
import { createHash, randomBytes } from 'node:crypto';
import { readText } from '../core/body.ts';
import { GlowplugError } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import type { HttpRequest, HttpResponse } from '../core/light-http.ts';
import type { Context } from '../handler/context.ts';
import { parseJson } from '../handler/parse-json.ts';
import { type Results, toResult } from '../results/results.ts';
import { uploadHeader } from './asks-for-upload.ts';

export { callerOf } from './caller.ts';

export interface LargeBodies {
  readonly results: Results;
  /** Of an upload. */
  readonly maxBytes: number;
  readonly now?: () => number;
}

/** How long a link to S3 may be followed. */
const linkSeconds = 300;
/** How long an upload may be named, as often as a client tries; the bucket forgets it after that. */
const lifetimeMs = 24 * 3_600_000;
const tokenForm = /^[\w-]{43}\.([0-9a-z]{1,11})$/;
const typeForm = /^[\w!#$&^.+-]{1,64}\/[\w!#$&^.+-]{1,64}(;[ \w.=+"-]{1,64})?$/;
/** The declaration alone is a body. */
const declarationBytes = 4096;

/** 201 with where to put so many bytes of one type, once, within five minutes. */
export async function offerPlace(request: HttpRequest, caller: string, { results, maxBytes, now }: LargeBodies) {
  const { bytes, contentType } = await declared(request);
  if (bytes > maxBytes) {
    const message = `expected an upload of at most ${maxBytes} bytes (maxBytes of the function’s input), got ${bytes}`;
    throw new GlowplugError('INPUT_TOO_LARGE', message, {
      remedy: 'Send less, or raise it where the function declares its input: json(schema, { maxBytes: … }).',
    });
  }
  const until = (now ?? Date.now)() + lifetimeMs;
  const upload = `${randomBytes(32).toString('base64url')}.${until.toString(36)}`;
  const { url, headers } = await results.putLink(keyOf(upload, caller), { bytes, contentType }, linkSeconds);
  return Response.json(
    { upload, method: 'PUT', url, headers, expires: new Date(until).toISOString() },
    { status: 201 },
  );
}

/**
 * The request with its upload as the body. Somebody else's, an expired, an invented and an empty place look the same.
 *
 * @throws GlowplugError NOT_FOUND, INPUT_TOO_LARGE
 */
export async function withUpload(
  request: HttpRequest,
  caller: string,
  { results, maxBytes, now }: LargeBodies,
  { signal }: Context,
): Promise<Request> {
  const upload = request.headers.get(uploadHeader) ?? '';
  const until = Number.parseInt(tokenForm.exec(upload)?.[1] ?? '0', 36);
  const found = until > (now ?? Date.now)() ? await results.get(keyOf(upload, caller), signal, maxBytes) : undefined;
  if (!found) {
    throw new GlowplugError('NOT_FOUND', `${uploadHeader}: nothing was uploaded there by this caller`, {
      remedy: 'POST /uploads again, PUT the bytes to the url that it answers, and name its upload within a day.',
    });
  }
  const headers = new Headers([...request.headers]);
  headers.delete(uploadHeader);
  headers.set('content-length', `${found.body.byteLength}`);
  for (const name of ['content-type', 'content-encoding']) {
    const value = found.headers[name];
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
  }
  return new Request(request.url, { method: 'POST', headers, body: found.body });
}

/** 303 to the answer, which S3 gives for five minutes. */
export async function answerBeside(
  answer: HttpResponse,
  { results }: LargeBodies,
  { signal }: Context,
): Promise<Response> {
  const key = `answers/${randomBytes(32).toString('hex')}`;
  const result = await toResult(answer);
  await results.putOnce(key, result, signal);
  const location = await results.link(key, linkSeconds);
  const told = ['x-glowplug-model', 'inference-header-content-length'].flatMap((name) => {
    const value = answer.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  const headers = { location, ...Object.fromEntries(told) };
  const { status, body } = result;
  return Response.json({ location, status, bytes: body.byteLength }, { status: 303, headers });
}

function keyOf(upload: string, caller: string): string {
  const hash = createHash('sha256').update(JSON.stringify([upload, caller]));
  return `uploads/${hash.digest('hex')}`;
}

async function declared(request: HttpRequest): Promise<{ bytes: number; contentType: string }> {
  const value = parseJson(await readText(request, declarationBytes));
  const { bytes, contentType } = isRecord(value) ? value : {};
  const whole = typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes > 0;
  if (whole && typeof contentType === 'string' && typeForm.test(contentType)) return { bytes, contentType };
  throw new GlowplugError('INPUT_SCHEMA', 'expected { "bytes": 12345678, "contentType": "image/tiff" } to upload');
}
