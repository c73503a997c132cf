// Models without a store or onnxruntime, for tests of what stands around them.
import { systemClock } from '../../src/core/clock.ts';
import { noLog } from '../../src/core/log.ts';
import type { Signature } from '../../src/core/signature.ts';
import type { ModelHost } from '../../src/handler/model.ts';
import type { LockedVersion } from '../../src/models/version.ts';
import { fakeSession } from '../../src/session/fake.ts';
import type { Tensors } from '../../src/tensor/tensor.ts';

const signature: Signature = {
  inputs: { x: { datatype: 'FP32', shape: ['N', 2] } },
  outputs: { y: { datatype: 'FP32', shape: ['N', 2] } },
};

/** Every reference is a model that answers its input doubled, unless `answer` says otherwise. */
export function fakeHost(
  options: { answer?: (feeds: Tensors) => Tensors | Promise<Tensors>; fail?: () => Error | undefined } = {},
) {
  const double = (feeds: Tensors): Tensors => {
    const x = feeds['x'];
    if (x?.datatype !== 'FP32') return {};
    return { y: { ...x, data: x.data.map((value) => 2 * value) } };
  };
  const session = fakeSession({ signature, answer: options.answer ?? double });
  const check = () => {
    const error = options.fail?.();
    if (error) throw error;
  };
  const host: ModelHost = {
    async locked(reference) {
      check();
      const [model = '', tag = ''] = reference.split(':');
      return { model, version: tag, digest: `sha256:${'0'.repeat(64)}`, files: {}, signature } satisfies LockedVersion;
    },
    clock: systemClock,
    log: noLog,
    freezes: true,
    async store() {
      return { name: 'none', get: async () => undefined };
    },
    async text({ model, version }, file) {
      return `${file} of ${model}:${version}`;
    },
    async lease() {
      check();
      return { session, [Symbol.dispose]() {} };
    },
    async leaseBeside() {
      check();
      return { session, [Symbol.dispose]() {} };
    },
    batching: () => undefined,
    async verify() {},
    isOpen: () => true,
    async unload() {},
    replace() {},
  };
  return { host: () => host, session };
}
