// The protocol's calls over gRPC, each as the question that it is over HTTP: a bundle's own copy of glowplug answers it.
import { GlowplugError } from '../core/errors.ts';
import { answers } from '../protocol/grpc-messages.ts';
import { writeInferAnswer } from '../protocol/infer-answer.ts';
import { readInferMessage } from '../protocol/infer-message.ts';
import { serverMetadata } from '../protocol/metadata.ts';
import { HEADER_LENGTH } from '../protocol/read-infer-request.ts';
import { badMessage, readNames } from '../protocol/wire.ts';

/** What a call may ask, and how much it may hold. */
export interface Asker {
  /** Answers as the server would over HTTP; whatever is not 200 is thrown. */
  ask(path: string, body?: readonly Uint8Array[], headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Answers of every function that says something of its models. */
  askAll(path: string, body?: readonly Uint8Array[]): Promise<Response[]>;
  readonly ready: boolean;
  readonly maxBytes: number;
}

type Method = (message: Uint8Array, asker: Asker) => Promise<Uint8Array>;

/** Answered to everybody and at any time, as health is over HTTP. */
export const open = ['ServerLive', 'ServerReady', 'Check'];

export const inferenceService = 'inference.GRPCInferenceService';

export const methods: Readonly<Record<string, Method>> = {
  ServerLive: async () => answers.live({ live: true }),
  ServerReady: async (_message, { ready }) => answers.ready({ ready }),
  async ModelReady(message, { ask }) {
    const { first: name, second: version } = readNames(message);
    try {
      await ask(`${pathOf(name, version)}/ready`);
      return answers.ready({ ready: true });
    } catch (error) {
      // As Triton: of a model that is not there, or cannot be had, the answer is no.
      if (error instanceof GlowplugError && error.status !== 499 && error.status !== 504)
        return answers.ready({ ready: false });
      throw error;
    }
  },
  ServerMetadata: async () => answers.serverMetadata(serverMetadata()),
  async ModelMetadata(message, { ask }) {
    const { first: name, second: version } = readNames(message);
    return answers.modelMetadata(await (await ask(pathOf(name, version))).json());
  },
  async ModelConfig(message, { ask }) {
    const { first: name, second: version } = readNames(message);
    return answers.modelConfig({ config: await (await ask(`${pathOf(name, version)}/config`)).json() });
  },
  async ModelStatistics(message, { ask, askAll }) {
    const { first: name, second: version } = readNames(message);
    const found = name === '' ? await askAll('/v2/models/stats') : [await ask(`${pathOf(name, version)}/stats`)];
    const all: unknown[] = await Promise.all(found.map(async (response) => Object(await response.json()).model_stats));
    return answers.statistics({ model_stats: all.flat() });
  },
  async RepositoryIndex(message, { askAll }) {
    const { flag: ready } = readNames(message);
    const found = await askAll('/v2/repository/index', [Buffer.from(JSON.stringify({ ready }))]);
    const models: unknown[] = (await Promise.all(found.map((response) => response.json()))).flat();
    return answers.index({ models });
  },
  RepositoryModelLoad: async (message, { ask }) => await control(message, 'load', ask),
  RepositoryModelUnload: async (message, { ask }) => await control(message, 'unload', ask),
  async ModelInfer(message, { ask, maxBytes }) {
    const { model, version, json, tensors, raw } = readInferMessage(message, maxBytes);
    const head = Buffer.from(json);
    const headers = { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: `${head.byteLength}` };
    const response = await ask(`${pathOf(model, version)}/infer`, [head, ...tensors], headers);
    const body = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get(HEADER_LENGTH) ?? body.byteLength);
    return writeInferAnswer(body.toString('utf8', 0, length), body.subarray(length), raw);
  },
};

/** grpc.health.v1: of the whole server, or of its one service. */
export async function check(message: Uint8Array, { ready }: Asker): Promise<Uint8Array> {
  const { first: service } = readNames(message);
  if (service === '' || service === inferenceService) return answers.health({ status: ready ? 1 : 2 });
  throw new GlowplugError('NOT_FOUND', `expected the service ${inferenceService} or none, got another`, {
    remedy: 'Ask for the health of the server: leave the service out.',
  });
}

async function control(message: Uint8Array, what: 'load' | 'unload', ask: Asker['ask']): Promise<Uint8Array> {
  const { second: name } = readNames(message);
  if (name === '') throw badMessage('the name of a model', 'none');
  await ask(`/v2/repository/models/${encodeURIComponent(name)}/${what}`, []);
  return answers.nothing({});
}

function pathOf(name: string, version: string): string {
  if (name === '') throw badMessage('the name of a model', 'none');
  const path = `/v2/models/${encodeURIComponent(name)}`;
  return version === '' ? path : `${path}/versions/${encodeURIComponent(version)}`;
}
