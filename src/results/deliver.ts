// Who is told of a result: a queue, a callback URL, both or nobody. At least once: a record that is delivered again is told again.
import { AwsClient } from 'aws4fetch';
import type { Contract } from '../core/contract.ts';
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Result } from './results.ts';

/** What a result queue's messages and a callback's body are, as JSON. */
export interface Announcement {
  /** Of the message that asked. */
  readonly messageId: string;
  readonly status: number;
  /** `s3://bucket/prefix/key` of the whole result. */
  readonly location: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Left out when it is over 128 KB: read it at `location`. */
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

export interface DeliverOptions extends Pick<Contract, 'resultQueue' | 'region' | 'credentials'> {
  /** Origins that callbacks may go to, such as `https://hooks.example.com`. */
  readonly callbacks: readonly string[];
  readonly fetch?: typeof fetch;
}

/** The request on whose way it is sent. */
export interface Within {
  readonly signal?: AbortSignal | undefined;
  readonly trace?: {
    headers(): Readonly<Record<string, string>>;
    xray(): string;
    within<T>(work: () => T): T;
    propagated(): Readonly<Record<string, string>>;
  };
}

/**
 * Sends the announcement where it is wanted, and resolves when it has arrived there.
 *
 * @throws GlowplugError CALLBACK_FORBIDDEN, DELIVERY_FAILED
 */
export async function deliver(
  announcement: Announcement,
  callback: string | undefined,
  options: DeliverOptions,
  within: Within = {},
): Promise<void> {
  const { resultQueue, fetch: send = fetch } = options;
  if (callback !== undefined) {
    const url = allowedCallback(callback, options.callbacks);
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...within.trace?.headers() },
      body: JSON.stringify(announcement),
      // A redirect could lead to a host that is not allowed.
      redirect: 'manual',
    } as const;
    const call = () => send(url, withLimit(init, within.signal));
    await arrive(`the callback at ${url.origin}`, within.trace ? within.trace.within(call) : call());
  }
  if (resultQueue !== undefined) await sendMessage(resultQueue, JSON.stringify(announcement), {}, options, within);
}

/** @throws GlowplugError CONFIG_INVALID, DELIVERY_FAILED */
export async function sendMessage(
  queue: string,
  body: string,
  attributes: Readonly<Record<string, string>>,
  { region, credentials, fetch: send = fetch }: DeliverOptions,
  { signal, trace }: Within = {},
): Promise<void> {
  if (!credentials)
    throw new GlowplugError('CONFIG_INVALID', 'expected AWS credentials to send messages with, found none');
  const client = new AwsClient({ ...credentials, region, service: 'sqs' });
  const MessageAttributes = Object.fromEntries(
    Object.entries({ ...trace?.propagated(), ...attributes }).map(([name, StringValue]) => [
      name,
      { DataType: 'String', StringValue },
    ]),
  );
  const order = queue.endsWith('.fifo') ? { MessageGroupId: body, MessageDeduplicationId: body } : {};
  // Who takes the message goes on with the trace.
  const system = trace && {
    MessageSystemAttributes: {
      AWSTraceHeader: { DataType: 'String', StringValue: trace.xray() },
    },
  };
  const request = await client.sign(new URL('/', queue).href, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' },
    body: JSON.stringify({ QueueUrl: queue, MessageBody: body, MessageAttributes, ...system, ...order }),
  });
  await arrive('the queue', send(request, withLimit({}, signal)));
}

/** @throws GlowplugError CALLBACK_FORBIDDEN */
export function allowedCallback(callback: string, origins: readonly string[]): URL {
  const url = URL.canParse(callback) ? new URL(callback) : undefined;
  if (url && origins.includes(url.origin) && !url.username && !url.password) return url;
  const expected = origins.join(', ') || 'none: this function has no callbacks';
  const got = url ? url.origin : shorten(callback);
  throw new GlowplugError('CALLBACK_FORBIDDEN', `expected a callback at one of ${expected}; got ${got}`);
}

export function announce(messageId: string, location: string, { status, headers, body }: Result): Announcement {
  const head = { messageId, status, location, headers };
  if (body.byteLength > inlineBytes) return head;
  const isText =
    /^(text\/|application\/([\w.-]+\+)?json\b)/.test(headers['content-type'] ?? '') && !headers['content-encoding'];
  return { ...head, body: Buffer.from(body).toString(isText ? 'utf8' : 'base64'), isBase64Encoded: !isText };
}

/** SQS carries 256 KB everywhere; JSON may need two characters for one, base64 four for three. */
const inlineBytes = 128 * 1024;
/** Longest wait for a callback or the queue. */
const silenceMs = 10_000;

function withLimit(init: RequestInit, signal: AbortSignal | undefined): RequestInit {
  const limit = AbortSignal.timeout(silenceMs);
  return { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit };
}

async function arrive(where: string, sent: Promise<Response>): Promise<void> {
  let answer: string;
  try {
    const response = await sent;
    await response.body?.cancel();
    if (response.ok) return;
    answer = `it answered ${response.status}`;
  } catch (cause) {
    if (cause instanceof GlowplugError) throw cause;
    throw new GlowplugError('DELIVERY_FAILED', `expected ${where} to take the result; it cannot be reached`, { cause });
  }
  throw new GlowplugError('DELIVERY_FAILED', `expected ${where} to take the result; ${answer}`);
}
