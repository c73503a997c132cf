// A function of models that answer what they are fed, one for each element type, and a few with telling shapes.
import { systemClock } from '../../src/core/clock.ts';
import { noLog } from '../../src/core/log.ts';
import { type Datatype, type Dimension, datatypes, type Signature } from '../../src/core/signature.ts';
import { createContext } from '../../src/handler/context.ts';
import { defineFunction } from '../../src/handler/define.ts';
import type { ModelHost } from '../../src/handler/model.ts';
import { fakeSession } from '../../src/session/fake.ts';
import type { Tensors } from '../../src/tensor/tensor.ts';

/** x → y of one element type. */
function echoing(datatype: Datatype, shape: readonly Dimension[]): Signature {
  return { inputs: { x: { datatype, shape } }, outputs: { y: { datatype, shape } } };
}

const all = Object.fromEntries(datatypes.map((datatype) => [datatype, { datatype, shape: ['?', '?'] }]));

const signatures: Readonly<Record<string, Signature>> = {
  ...Object.fromEntries(datatypes.map((datatype) => [datatype.toLowerCase(), echoing(datatype, ['?', '?'])])),
  /** Every element type at once: outputs are named as the inputs. */
  all: { inputs: all, outputs: all },
  scalar: echoing('FP32', []),
  vector: echoing('FP32', ['N']),
  rows: echoing('FP32', ['N', 2]),
  fixed: echoing('INT16', [2, 2]),
  one: echoing('BYTES', [1]),
  'a b/ä': echoing('FP32', ['N']),
};

export function echoFunction(options: { fail?: (model: string) => Error | undefined } = {}) {
  const sessions = new Map(
    Object.entries(signatures).map(([name, signature]) => [
      name,
      fakeSession({ signature, answer: (feeds) => rename(feeds, signature) }),
    ]),
  );
  const lease = (model: string) => {
    const error = options.fail?.(model);
    if (error) throw error;
    return { session: sessions.get(model)!, [Symbol.dispose]() {} };
  };
  const host: ModelHost = {
    async locked(reference) {
      const [model = '', version = ''] = reference.split(':');
      return { model, version, digest: `sha256:${'0'.repeat(64)}`, files: {}, signature: signatures[model]! };
    },
    async text() {
      return '';
    },
    lease: async ({ model }) => lease(model),
    leaseBeside: async ({ model }) => lease(model),
    batching: () => undefined,
    async verify() {},
    isOpen: () => true,
    async unload() {},
    replace() {},
    clock: systemClock,
    log: noLog,
    freezes: true,
    async store() {
      return { name: 'none', get: async () => undefined };
    },
  };
  const models = Object.fromEntries(Object.keys(signatures).map((name) => [name, `${name}:1`]));
  const { fetch } = defineFunction({ models, oip: true, predict: () => 'own' }, () => host);
  return (request: Request) => fetch(request, createContext({ requestId: 'r-1', log: noLog }));
}

function rename(feeds: Tensors, { outputs }: Signature): Tensors {
  const values = Object.values(feeds);
  return Object.fromEntries(Object.keys(outputs).map((name, i) => [name, feeds[name] ?? values[i]!]));
}
