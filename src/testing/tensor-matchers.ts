// A matcher for tensors, for vitest's expect and any other that is extended in the same way.
import { GlowplugError } from '../core/errors.ts';
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
  /** The same element type and shape, and every element within the tolerance (1e-5). @throws GlowplugError CONFIG_INVALID for a tolerance that is none */
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
    const most = allowed(tolerance);
    const problem = isTensor(received) ? compare(received, expected, most) : 'expected a tensor, got something else';
    return {
      pass: problem === undefined,
      message: () => problem ?? `expected another tensor than ${named(expected)}, within ${most}`,
    };
  },
};

/** Those of Node's process.arch. */
const architectures: ReadonlySet<string> = new Set<NodeJS.Architecture>([
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'mips',
  'mipsel',
  'ppc64',
  'riscv64',
  's390x',
  'x64',
]);

/** Nobody looks at a test's types: a misspelt architecture would silently have the default. */
function allowed(tolerance: Tolerance): number {
  const each = typeof tolerance === 'number' ? { [process.arch]: tolerance } : tolerance;
  for (const [name, most] of Object.entries(each)) {
    if (!architectures.has(name)) {
      throw new GlowplugError('CONFIG_INVALID', `expected a tolerance for an architecture, got one for ${name}`, {
        remedy: `Name one of ${[...architectures].join(', ')}: this machine is ${process.arch}.`,
      });
    }
    if (!(most >= 0)) {
      throw new GlowplugError('CONFIG_INVALID', `expected a tolerance from 0 up, got ${most}`, {
        remedy: 'Write a number, such as 1e-3, or one for each architecture: { x64: 1e-6, arm64: 1e-3 }.',
      });
    }
  }
  return each[process.arch] ?? defaultTolerance;
}

function compare(received: Tensor, expected: Tensor, tolerance: number): string | undefined {
  if (named(received) !== named(expected)) return `expected ${named(expected)}, got ${named(received)}`;
  const { most, at = 0 } = difference({ tensor: expected }, { tensor: received });
  if (most <= tolerance) return undefined;
  const where = `element ${at} (${position(at, expected.shape).join(', ')})`;
  const [wanted, got] = [expected, received].map((tensor) => elements(tensor)[at]);
  // As `difference` has it.
  const relative = Math.abs(Number(wanted)) > 1 ? ' of it' : '';
  return `expected ${where} to be ${wanted}, got ${got}: off by ${most}${relative}, and ${tolerance}${relative} is allowed on ${process.arch}`;
}

function elements({ datatype, data }: Tensor): ArrayLike<unknown> {
  return datatype === 'FP16' ? new Float16Array(data.buffer, data.byteOffset, data.length) : data;
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
