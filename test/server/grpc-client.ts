// Google's own client, speaking through the proto file: a second reading of it, beside the server's.
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { root } from '../root.ts';

// vitest resolves the require('long') of protobufjs to its ES module, which it does not recognise, and then rounds int64.
Object.assign(globalThis, { Long: (await import('long')).default });
const { loadSync } = await import('@grpc/proto-loader');

const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
const loaded = grpc.loadPackageDefinition(loadSync(join(root, 'src/protocol/open-inference.proto'), options));
const { GRPCInferenceService: Service } = loaded['inference'] as unknown as {
  GRPCInferenceService: grpc.ServiceClientConstructor;
};

/** What a call came to. `error` says no more than the status where there is no code of the catalogue. */
export interface Called {
  readonly status: number;
  readonly details: string;
  readonly code: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: a message of whichever call was made
  readonly answer: any;
}

export interface CallOptions {
  readonly deadline?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Hears how the call can be cancelled. */
  readonly started?: (cancel: () => void) => void;
}

export function grpcClient(port: number) {
  const client = new Service(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  });
  const call = async (name: string, message: object = {}, { deadline, headers = {}, started }: CallOptions = {}) =>
    await new Promise<Called>((resolve) => {
      const metadata = new grpc.Metadata();
      for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
      const method = client[name] as (...given: unknown[]) => grpc.ClientUnaryCall;
      const pending = method.call(
        client,
        message,
        metadata,
        deadline === undefined ? {} : { deadline: Date.now() + deadline },
        (error: grpc.ServiceError | null, answer: unknown) => resolve(called(error, answer)),
      );
      started?.(() => pending.cancel());
    });
  /** Bytes as they are, for what no client would make. */
  const raw = async (path: string, bytes: Uint8Array) =>
    await new Promise<Called>((resolve) => {
      client.makeUnaryRequest(
        path,
        (message: Uint8Array) => Buffer.from(message),
        (answer) => answer,
        bytes,
        (error, answer) => resolve(called(error, answer)),
      );
    });
  return { call, raw, close: () => client.close() };
}

/** A message as bytes. */
export function serialize(name: string, message: object): Buffer {
  const { [name]: definition } = Service.service;
  if (!definition) throw new Error(`no call ${name}`);
  return definition.requestSerialize(message);
}

function called(error: grpc.ServiceError | null, answer: unknown): Called {
  const code = error?.metadata?.get('glowplug-code')[0];
  return { status: error?.code ?? 0, details: error?.details ?? '', code: code?.toString(), answer };
}
