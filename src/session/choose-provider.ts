// Where a model runs: the first provider that loads and computes what the CPU does, and why each one before it was passed over.
import { GlowplugError } from '../core/errors.ts';
import type { Provider } from '../core/provider.ts';
import { difference } from '../tensor/difference.ts';
import type { Tensors } from '../tensor/tensor.ts';
import { madeUpFeeds } from './made-up-feeds.ts';
import type { Picked, Session } from './session.ts';

/** WebGPU by name alone: it takes few operators, and a desktop's card for a server's. */
const automatic: readonly Provider[] = ['tensorrt', 'cuda'];
/** Of a float, absolute below 1 and relative above: TF32 and half-precision kernels differ by thousandths, another model by more. */
const TOLERANCE = 0.02;
/** Lengths of free dimensions that a model may run with; a convolution does not take 1. */
const LENGTHS = [1, 8, 32, 64, 224];

/**
 * @param wanted a provider by name is taken or refused; auto falls through to the CPU
 * @param open a session on that provider, which rejects with what onnxruntime says
 * @throws GlowplugError PROVIDER_UNAVAILABLE for a named one; whatever opening on the CPU throws
 */
export async function chooseProvider(
  wanted: Exclude<Provider, 'cpu'> | 'auto',
  open: (provider: Provider) => Promise<Session>,
): Promise<Session> {
  const passed: Picked['passed'][number][] = [];
  let reference: Promise<Reference> | undefined;
  for (const provider of wanted === 'auto' ? automatic : [wanted]) {
    const session = await open(provider).catch((error: unknown) => reasonOf(error));
    if (typeof session === 'string') {
      passed.push({ provider, why: session });
      continue;
    }
    try {
      reference ??= referenceOf(open);
      const why = await differs(await reference, session);
      if (why === undefined) return withPicked(session, { provider, passed });
      passed.push({ provider, why });
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
    await session[Symbol.asyncDispose]();
  }
  if (wanted === 'auto') return withPicked(await open('cpu'), { provider: 'cpu', passed });
  throw new GlowplugError('PROVIDER_UNAVAILABLE', `expected to run on ${wanted}: ${passed[0]?.why}`);
}

/** What the CPU answers, or why that cannot be had. */
type Reference = { readonly feeds: Tensors; readonly outputs: Tensors } | { readonly none: string };

async function referenceOf(open: (provider: Provider) => Promise<Session>): Promise<Reference> {
  await using cpu = await open('cpu');
  let none = '';
  for (const length of LENGTHS) {
    try {
      const feeds = madeUpFeeds(cpu.signature, (_name, axis) => (axis === 0 ? 1 : length));
      return { feeds, outputs: await cpu.run(feeds) };
    } catch (error) {
      none = reasonOf(error);
    }
  }
  return { none };
}

/** Why its answers may not be given, if they may not. */
async function differs(reference: Reference, session: Session): Promise<string | undefined> {
  if ('none' in reference) return `it cannot be compared with the CPU: ${reference.none}`;
  try {
    const outputs = await session.run(reference.feeds);
    for (const [name, tensor] of Object.entries(reference.outputs)) {
      const { most } = difference({ [name]: tensor }, outputs);
      // Text and whole numbers are the same or they are not.
      if (most > (/^FP/.test(tensor.datatype) ? TOLERANCE : 0))
        return `output ${name} differs from the CPU’s by ${most}`;
    }
    return undefined;
  } catch (error) {
    return `it loads and does not run: ${reasonOf(error)}`;
  }
}

function withPicked(session: Session, picked: Picked): Session {
  return {
    signature: session.signature,
    bytes: session.bytes,
    picked,
    run: (feeds, options) => session.run(feeds, options),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** What onnxruntime says, below what we make of it. */
function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = inner instanceof Error ? inner.message : String(inner);
  return text.replace(/\s+/g, ' ').trim().slice(0, 300);
}
