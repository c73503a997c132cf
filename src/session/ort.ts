// Sessions by onnxruntime-node, on the CPU. The package comes from the layer on Lambda, so it loads on demand.
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { InferenceSession, OnnxValue } from 'onnxruntime-node';
import { systemClock } from '../core/clock.ts';
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Provider } from '../core/provider.ts';
import type { Datatype, Signature, TensorSpec } from '../core/signature.ts';
import { weightsFile } from '../models/version.ts';
import type { Tensor, Tensors } from '../tensor/tensor.ts';
import { mappedBytes, residentBytes } from './budget.ts';
import { checkFeeds } from './feeds.ts';
import { followsWrites } from './follows-writes.ts';
import type { Prepared, Session, SessionOptions } from './session.ts';

type Ort = typeof import('onnxruntime-node');
type OrtType = Exclude<OnnxValue['type'], 'int4' | 'uint4'>;

const toOrt: Record<Datatype, OrtType> = {
  BOOL: 'bool',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FP16: 'float16',
  FP32: 'float32',
  FP64: 'float64',
  BYTES: 'string',
};
const fromOrt = new Map<string, Datatype>();
for (const datatype of Object.keys(toOrt) as Datatype[]) fromOrt.set(toOrt[datatype], datatype);

/** Loads onnxruntime, and finds out whether its maps of files under `folder` follow writes. @throws GlowplugError DEPENDENCY_MISSING */
export async function prepareOrt(folder: string): Promise<Prepared> {
  const ort = await loadOrt();
  // Loading blocks for 11 ms, the first session for 22: in between what has come is taken off the sockets.
  await systemClock.sleep(0);
  const probing = join(folder, `.probe-${randomUUID()}`);
  return {
    followsWrites: await followsWrites(ort, probing, ortOptions({ threads: 1, mapped: true, provider: 'cpu' })),
  };
}

/**
 * A session over the model at `modelPath`.
 *
 * @throws GlowplugError MODEL_INVALID, MODEL_UNSUPPORTED, DEPENDENCY_MISSING, PROVIDER_UNAVAILABLE
 */
export async function createOrtSession(modelPath: string, options: SessionOptions): Promise<Session> {
  const { provider = 'cpu' } = options;
  if (provider === 'cpu') return await createOn(modelPath, { ...options, provider });
  const { chooseProvider } = await import('./choose-provider.ts');
  return await chooseProvider(provider, (one) => createOn(modelPath, { ...options, provider: one }));
}

interface OneProvider extends SessionOptions {
  readonly provider: Provider;
}

async function createOn(modelPath: string, options: OneProvider): Promise<Session> {
  const ort = await loadOrt();
  const inner = await open(ort, modelPath, options);
  const signature: Signature = { inputs: specs(inner.inputMetadata), outputs: specs(inner.outputMetadata) };
  let disposed: Promise<void> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return {
    signature,
    bytes: bytesOf(modelPath, options),
    async run(feeds, { signal } = {}) {
      checkFeeds(signature, feeds);
      signal?.throwIfAborted();
      // A run blocks its thread: begun one by one, so that an abort is heard between two.
      const run = last.then(() => {
        signal?.throwIfAborted();
        return runOnce(inner, ortFeeds(ort, feeds));
      });
      last = run.catch(() => {});
      return tensors(await run);
    },
    async [Symbol.asyncDispose]() {
      if (options.profile !== undefined && !disposed) inner.endProfiling();
      disposed ??= inner.release();
      await disposed;
    },
  };
}

async function loadOrt(): Promise<Ort> {
  try {
    return await import('onnxruntime-node');
  } catch (cause) {
    throw new GlowplugError('DEPENDENCY_MISSING', 'expected the package onnxruntime-node, found none that loads', {
      cause,
      remedy: 'On Lambda add the OnnxRuntimeLayer; elsewhere npm i onnxruntime-node.',
    });
  }
}

/** What TensorRT does not take goes to CUDA; what no provider takes, to the CPU by itself. */
const names: Readonly<Record<Provider, string[]>> = {
  tensorrt: ['tensorrt', 'cuda'],
  cuda: ['cuda'],
  webgpu: ['webgpu'],
  cpu: ['cpu'],
};

async function open(ort: Ort, modelPath: string, options: OneProvider): Promise<InferenceSession> {
  // A provider that does not load is written to stderr in red, past the log, besides being thrown.
  if (options.provider !== 'cpu') ort.env.logLevel = 'fatal';
  try {
    return await ort.InferenceSession.create(modelPath, ortOptions(options));
  } catch (cause) {
    throw (await failures()).toOpen(cause, bytesOf(modelPath, options));
  }
}

/** A start that goes as it should loads nothing of them. */
const failures = () => import('./ort-failure.ts');

function ortOptions({ threads, mapped, optimized, provider, profile }: OneProvider): InferenceSession.SessionOptions {
  return {
    executionProviders: names[provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Warnings of onnxruntime go to stderr, past the log; errors are thrown.
    logSeverityLevel: 3,
    ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
    // Of a map, optimising and packing would read weights that are not there yet, and answer wrongly for ever after.
    ...(mapped || optimized ? { graphOptimizationLevel: 'disabled' } : {}),
    extra: {
      session: {
        // Idle CPU is billed on Lambda and shared elsewhere.
        intra_op: { allow_spinning: '0' },
        ...(mapped ? { disable_prepacking: '1' } : {}),
      },
    },
  };
}

function bytesOf(modelPath: string, { mapped }: SessionOptions): number {
  const weights = statSync(join(dirname(modelPath), weightsFile), { throwIfNoEntry: false })?.size ?? 0;
  return residentBytes(statSync(modelPath).size) + (mapped ? mappedBytes : residentBytes)(weights);
}

async function runOnce(
  session: InferenceSession,
  feeds: InferenceSession.FeedsType,
): Promise<InferenceSession.ReturnType> {
  try {
    return await session.run(feeds);
  } catch (cause) {
    throw (await failures()).toRun(cause);
  }
}

function ortFeeds(ort: Ort, feeds: Tensors): InferenceSession.FeedsType {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toValue(ort, tensor)]));
}

function toValue(ort: Ort, tensor: Tensor): OnnxValue {
  switch (tensor.datatype) {
    case 'BYTES':
      return new ort.Tensor('string', tensor.data.map(String), tensor.shape);
    case 'FP16':
      return halfTensor(ort, tensor);
    default:
      // Elements pairs type and array as onnxruntime does: the seam where TypeScript cannot see it.
      return new ort.Tensor(toOrt[tensor.datatype] as 'float32', tensor.data as Float32Array, tensor.shape);
  }
}

/**
 * Where Float16Array is a global, onnxruntime-common wants one and onnxruntime-node reads it as empty ("not enough space:
 * expected 6, got 0"). The binding takes the bits of a tensor that says float16.
 */
function halfTensor(ort: Ort, { data, shape }: Tensor<'FP16'>): OnnxValue {
  return Object.defineProperty(new ort.Tensor('uint16', data, shape), 'type', { value: 'float16' });
}

function tensors(values: InferenceSession.ReturnType): Tensors {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fromValue(name, value)]));
}

function fromValue(name: string, value: OnnxValue): Tensor {
  const datatype = datatypeOf(name, value.type);
  const data =
    datatype === 'FP16' && ArrayBuffer.isView(value.data)
      ? new Uint16Array(value.data.buffer, value.data.byteOffset, value.data.byteLength / 2)
      : value.data;
  // The runtime pairs type and array as Elements does: the seam where TypeScript cannot see it.
  return { datatype, shape: [...value.dims], data } as Tensor;
}

function specs(metadata: readonly InferenceSession.ValueMetadata[]): Record<string, TensorSpec> {
  return Object.fromEntries(
    metadata.map((value) => {
      if (!value.isTensor) {
        throw new GlowplugError(
          'MODEL_UNSUPPORTED',
          `expected tensors only, got ${shorten(value.name)}, a sequence or map`,
        );
      }
      const shape = value.shape.map((dimension) => (typeof dimension === 'number' ? dimension : dimension || '?'));
      return [value.name, { datatype: datatypeOf(value.name, value.type), shape }];
    }),
  );
}

function datatypeOf(name: string, type: string): Datatype {
  const datatype = fromOrt.get(type);
  if (datatype) return datatype;
  throw new GlowplugError(
    'MODEL_UNSUPPORTED',
    `${shorten(name)}: expected an element type of the protocol, got ${type}`,
  );
}
