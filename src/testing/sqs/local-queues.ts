// SQS for the real AWS SDK: fauxqs, which keeps its rules, behind this cloud's port and signature check. It is loaded
// when the first queue or request needs it.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { GlowplugError } from '../../core/errors.ts';
import { readLimited } from '../read-limited.ts';
import { type Gate, signedBy } from '../signed-by.ts';
import { SigV4Error } from '../sigv4.ts';
import type { Message } from './message.ts';
import type { PolledQueue } from './queue-poller.ts';
import type { QueueSpec } from './queue-spec.ts';
import { TraceHeaders } from './trace-headers.ts';

/** What of fauxqs's Fastify app is used: requests are put in without a socket. */
interface Emulator {
  inject(request: {
    readonly method: 'POST';
    readonly url: '/';
    readonly headers: Readonly<Record<string, string>>;
    readonly payload: string | Buffer;
  }): Promise<{ readonly statusCode: number; readonly payload: string; readonly headers: object }>;
  close(): Promise<unknown>;
}

export class LocalQueues implements AsyncDisposable {
  readonly #gate: Gate;
  readonly #traces = new TraceHeaders();
  #loading: Promise<Emulator> | undefined;

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  readonly listener: RequestListener = (message, response) => {
    this.#answer(message, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) response.destroy();
      else
        refuse(
          response,
          500,
          'InternalFailure',
          error instanceof GlowplugError ? error.message : 'the local SQS failed',
        );
    });
  };

  /** As a deployment does: what is there keeps its messages and takes the new attributes. */
  async ensure({ name, url, attributes }: QueueSpec): Promise<void> {
    await this.#call('CreateQueue', { QueueName: name }, 'QueueNameExists');
    await this.#call('SetQueueAttributes', { QueueUrl: url, Attributes: attributes });
  }

  /** A message of this process's own; the queue must be one of the template's. */
  async send({ url }: QueueSpec, body: string, attributes: Readonly<Record<string, string>> = {}): Promise<void> {
    const MessageAttributes = Object.fromEntries(
      Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
    );
    await this.#call('SendMessage', { QueueUrl: url, MessageBody: body, MessageAttributes });
  }

  source({ url, arn }: QueueSpec): PolledQueue {
    const batch = async (action: string, receiptHandles: readonly string[], more: object = {}) => {
      for (let at = 0; at < receiptHandles.length; at += batchLimit) {
        const handles = receiptHandles.slice(at, at + batchLimit);
        const Entries = handles.map((ReceiptHandle, index) => ({ Id: `${index}`, ReceiptHandle, ...more }));
        await this.#call(action, { QueueUrl: url, Entries });
      }
    };
    return {
      arn,
      receive: async (count, waitMs) => {
        const { Messages = [] }: { Messages?: Message[] } = Object(
          await this.#call('ReceiveMessage', {
            QueueUrl: url,
            MaxNumberOfMessages: count,
            // A part of a second is more than AWS takes: this is how a window ends on time.
            WaitTimeSeconds: waitMs / 1000,
            MessageSystemAttributeNames: ['All'],
            MessageAttributeNames: ['All'],
          }),
        );
        return Messages;
      },
      delete: (receiptHandles) => batch('DeleteMessageBatch', receiptHandles),
      giveBack: (receiptHandles) => batch('ChangeMessageVisibilityBatch', receiptHandles, { VisibilityTimeout: 0 }),
    };
  }

  /** Messages that can be received, and those that somebody holds. */
  async depth({ url }: QueueSpec): Promise<{ readonly ready: number; readonly hidden: number }> {
    const { Attributes = {} }: { Attributes?: Record<string, string> } = Object(
      await this.#call('GetQueueAttributes', { QueueUrl: url, AttributeNames: ['All'] }),
    );
    return {
      ready: Number(Attributes['ApproximateNumberOfMessages']),
      hidden: Number(Attributes['ApproximateNumberOfMessagesNotVisible']),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#loading?.catch(() => undefined))?.close();
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readLimited(message, requestLimit);
    if (!body) return refuse(response, 413, 'RequestEntityTooLarge', `expected at most ${requestLimit} bytes`);
    try {
      signedBy(message, body, this.#gate, 'sqs');
    } catch (error) {
      if (!(error instanceof SigV4Error)) throw error;
      const types: Readonly<Record<string, string>> = {
        AccessDenied: 'MissingAuthenticationToken',
        InvalidAccessKeyId: 'InvalidClientTokenId',
      };
      return refuse(response, 403, types[error.code] ?? 'InvalidSignature', error.message);
    }
    const host = message.headers.host ?? '';
    const target = `${message.headers['x-amz-target']}`;
    const { authorization = '' } = message.headers;
    const answer = await this.#ask(target, { host, authorization }, body);
    const error = Object.entries(answer.headers).filter(([name]) => name === 'x-amzn-query-error');
    response.writeHead(answer.statusCode, { 'content-type': contentType, ...Object.fromEntries(error) });
    response.end(
      namesQueues.has(target)
        ? answer.payload.replaceAll(/sqs\.[\w-]+\.localhost(:\d+)?(?=\/)/g, host)
        : answer.payload,
    );
  }

  /** For this process: nothing is signed. @throws GlowplugError INTERNAL, DEPENDENCY_MISSING */
  async #call(action: string, input: object, tolerated?: string): Promise<unknown> {
    const { statusCode, payload } = await this.#ask(`${service}${action}`, { host: loopback }, JSON.stringify(input));
    if (statusCode === 200) return JSON.parse(payload);
    if (tolerated !== undefined && payload.includes(tolerated)) return {};
    throw new GlowplugError('INTERNAL', `the local SQS refused ${action}: ${statusCode} ${payload.slice(0, 300)}`);
  }

  async #ask(target: string, own: Readonly<Record<string, string>>, body: string | Buffer) {
    const headers = { ...own, 'content-type': contentType, 'x-amz-target': target };
    const emulator = await this.#load();
    const answer = await emulator.inject({ method: 'POST', url: '/', headers, payload: body });
    const { statusCode } = answer;
    const payload = this.#traces.complete(target.slice(service.length), body, answer.payload);
    return { statusCode, headers: answer.headers, payload };
  }

  #load(): Promise<Emulator> {
    this.#loading ??= load(this.#gate.region);
    return this.#loading;
  }
}

const contentType = 'application/x-amz-json-1.0';
const service = 'AmazonSQS.';
const loopback = '127.0.0.1';
const batchLimit = 10;
/** A batch is 1 MiB at most, and JSON may need six characters for one. */
const requestLimit = 7 * 2 ** 20;
/** fauxqs names its queues by a host that not every system resolves, and by the port of who made them: the template's have none. */
const namesQueues: ReadonlySet<string> = new Set(
  ['CreateQueue', 'GetQueueUrl', 'ListQueues', 'ListDeadLetterSourceQueues'].map((action) => `AmazonSQS.${action}`),
);

async function load(defaultRegion: string): Promise<Emulator> {
  try {
    const { buildApp } = await import('fauxqs');
    const app = buildApp({ logger: false, defaultRegion });
    await app.ready();
    return app;
  } catch (cause) {
    throw new GlowplugError(
      'DEPENDENCY_MISSING',
      'the app has queues, and the package fauxqs, which is SQS here, does not load',
      {
        cause,
        remedy: 'npm install --save-dev fauxqs@2',
      },
    );
  }
}

function refuse(response: ServerResponse, status: number, type: string, message: string): void {
  response.writeHead(status, { 'content-type': contentType, 'x-amzn-query-error': `${type};Sender` });
  response.end(JSON.stringify({ __type: `com.amazon.coral.service#${type}`, message }));
}
