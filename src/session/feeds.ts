// Feeds against a signature: what onnxruntime would refuse, or abort on, is refused here with names.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Signature } from '../core/signature.ts';
import type { Tensor, Tensors } from '../tensor/tensor.ts';

/** @throws GlowplugError INPUT_TENSOR */
export function checkFeeds(signature: Signature, feeds: Tensors): void {
  for (const name of Object.keys(feeds)) {
    if (!Object.hasOwn(signature.inputs, name)) {
      throw new GlowplugError(
        'INPUT_TENSOR',
        `expected inputs ${shorten(Object.keys(signature.inputs))}, got ${shorten(name)}`,
      );
    }
  }
  const free = new Map<string, number>();
  for (const [name, spec] of Object.entries(signature.inputs)) {
    const tensor = feeds[name];
    if (!tensor) throw new GlowplugError('INPUT_TENSOR', `expected input ${shorten(name)}, got none of that name`);
    if (tensor.datatype !== spec.datatype) {
      throw new GlowplugError(
        'INPUT_TENSOR',
        `input ${shorten(name)}: expected ${spec.datatype}, got ${tensor.datatype}`,
      );
    }
    const fits =
      tensor.shape.length === spec.shape.length &&
      spec.shape.every((dimension, axis) => {
        const length = tensor.shape[axis]!;
        if (typeof dimension === 'number') return dimension === length;
        if (dimension === '' || dimension === '?') return true;
        const same = free.get(dimension) ?? length;
        free.set(dimension, same);
        return same === length;
      });
    if (!fits) {
      throw new GlowplugError(
        'INPUT_TENSOR',
        `input ${shorten(name)}: expected shape ${shorten(spec.shape)}, got ${shorten(tensor.shape)}`,
      );
    }
    if (tensor.datatype === 'BYTES') checkStrings(name, tensor);
  }
}

/** onnxruntime-node takes text: it ends a string at its first NUL and replaces half a surrogate pair, both in silence. */
function checkStrings(name: string, { data }: Tensor<'BYTES'>): void {
  const at = data.findIndex((text) => typeof text !== 'string' || text.includes('\0') || !text.isWellFormed());
  if (at < 0) return;
  throw new GlowplugError(
    'INPUT_TENSOR',
    `input ${shorten(name)}: expected UTF-8 text without NUL, which is what onnxruntime takes, got other bytes at element ${at}`,
  );
}
