// Whether a request has to do with an upload. Apart from large-bodies.ts, which brings along what only such requests need.
import type { HttpRequest } from '../core/light-http.ts';

/** Where a place for an upload is asked for. */
export const uploads = '/uploads';
/** Names the upload that is the request's body. */
export const uploadHeader = 'x-glowplug-upload';

/** It asks for a place, or its body lies at one. */
export function hasUpload({ method, headers, url }: HttpRequest): boolean {
  return method === 'POST' && (headers.has(uploadHeader) || new URL(url).pathname === uploads);
}
