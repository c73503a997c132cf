// A matcher for tensors, for vitest's expect and any other that is extended in the same way.
import { difference } from '../tensor/difference.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * How far an element may be from the expected one: absolute below 1, relative above. One number, or one for each
 * architecture: kernels differ between x64 and arm64, and with them the last digits.
 */
export type Tolerance = number | Readonly<Partial<Record<NodeJS.Architecture, number>>>;

/** What float32 keeps of a model of some layers. */
const defaultTolerance = 1e-5;

export interface TensorMatchers<R> {
  /** The same element type and shape, and every element within the tolerance (1e-5). */
  toMatchTensor(expected: Tensor, tolerance?: Tolerance): R;
}

interface Verdict {
  readonly pass: boolean;
  message(): string;
}

/**
 * @example
 * expect.extend(tensorMatchers);
 * declare module 'vitest' {
 *   interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends TensorMatchers<R> {}
 * }
 * expect(outputs.y).toMatchTensor(tensor('FP32', [1, 2], Float32Array.of(0.25, 0.75)), { x64: 1e-6, arm64: 1e-3 });
 */
export const tensorMatchers = {
  toMatchTensor(received: unknown, expected: Tensor, tolerance: Tolerance = defaultTolerance): Verdict {
    const most = typeof tolerance === 'number' ? tolerance : (tolerance[process.arch] ?? defaultTolerance);
    const problem = isTensor(received) ? compare(received, expected, most) : 'expected a tensor, got something else';
    return {
      pass: problem === undefined,
      message: () => problem ?? `expected another tensor than ${named(expected)}, within ${most}`,
    };
  },
};

function compare(received: Tensor, expected: Tensor, tolerance: number): string | undefined {
  if (named(received) !== named(expected)) return `expected ${named(expected)}, got ${named(received)}`;
  const { most, at = 0 } = difference({ tensor: expected }, { tensor: received });
  if (most <= tolerance) return undefined;
  const where = `element ${at} (${position(at, expected.shape).join(', ')})`;
  return `expected ${where} to be ${expected.data[at]}, got ${received.data[at]}: off by ${most}, and ${tolerance} is allowed on ${process.arch}`;
}

function named({ datatype, shape }: Tensor): string {
  return `${datatype} [${shape.join(', ')}]`;
}

/** Of an element of the flat array, in its tensor. */
function position(at: number, shape: readonly number[]): number[] {
  const indices: number[] = [];
  let rest = at;
  for (const length of shape.toReversed()) {
    indices.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  return indices;
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'datatype' in value && 'shape' in value && 'data' in value;
}
