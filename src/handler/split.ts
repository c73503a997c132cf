// Which side of a split a key falls on: the same for every environment, and for as long as its share does not shrink.
import { createHash } from 'node:crypto';
import { type HttpRequest, standardRequest } from '../core/light-http.ts';
import type { Split } from './model-use.ts';

/** `model` goes into the hash, so that the splits of two models are independent. */
export function onOtherSide(model: string, key: string, percent: number): boolean {
  const first = createHash('sha256').update(`${model} ${key}`).digest().readUInt32BE();
  return first < (percent / 100) * 2 ** 32;
}

/** An empty key is none. */
export function keyOf({ by }: Split, request: HttpRequest): string | undefined {
  return (typeof by === 'string' ? request.headers.get(by) : by(standardRequest(request))) || undefined;
}
