// Which decodes are glowplug's own: they ask of a request no more than the light one has, and are handed it as it is.
// Any other may ask for anything and is handed the platform's.
import { type HttpRequest, standardRequest } from '../core/light-http.ts';
import type { Context } from './context.ts';

type OwnDecode<I> = (request: HttpRequest) => Promise<I>;

const own = new WeakMap<object, OwnDecode<unknown>>();

export function ownDecode<I>(decode: OwnDecode<I>): OwnDecode<I> {
  own.set(decode, decode);
  return decode;
}

export async function decodeWith(
  { decode }: { decode(request: Request, context: Context): unknown },
  request: HttpRequest,
  context: Context,
): Promise<unknown> {
  const light = own.get(decode);
  return await (light ? light(request) : decode(standardRequest(request), context));
}
