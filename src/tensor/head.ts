// What stands before a tensor's elements in a request: its element type and its shape.
import { GlowplugError, shorten } from '../core/errors.ts';
import { type Datatype, datatypes } from '../core/signature.ts';
import { elementCount } from './tensor.ts';

export interface Head {
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly count: number;
}

/** @throws GlowplugError INPUT_TENSOR */
export function readHead(name: string, datatype: unknown, shape: unknown): Head {
  if (!isDatatype(datatype)) throw wrongTensor(name, `expected a datatype of ${datatypes.join(', ')}`, datatype);
  if (!isShape(shape)) throw wrongTensor(name, 'expected a shape of whole numbers', shape);
  return { datatype, shape, count: elementCount(shape) };
}

export function wrongTensor(where: string, expected: string, got: unknown): GlowplugError {
  return new GlowplugError('INPUT_TENSOR', `tensor ${shorten(where)}: ${expected}, got ${shorten(got)}`);
}

function isDatatype(value: unknown): value is Datatype {
  return datatypes.some((datatype) => datatype === value);
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((dimension) => typeof dimension === 'number');
}
