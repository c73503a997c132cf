// An inference request out of an HTTP request: JSON alone, JSON and bytes, or bytes alone.
import { decodeText, readBody } from '../core/body.ts';
import type { HttpRequest } from '../core/light-http.ts';
import type { Signature } from '../core/signature.ts';
import { type InferRequest, parseInferRequest } from './infer-request.ts';
import { malformed } from './malformed.ts';
import { rawInferRequest } from './raw-request.ts';

/** Says where the JSON ends and the bytes begin, in the decompressed body; 0 says that there is no JSON. */
export const HEADER_LENGTH = 'inference-header-content-length';

/**
 * @param options.signature the model's, for a raw request; without it raw requests are refused
 * @throws GlowplugError INPUT_EMPTY, INPUT_ENCODING, INPUT_JSON, INPUT_TENSOR, INPUT_TOO_LARGE
 */
export async function readInferRequest(
  request: HttpRequest,
  options: { maxBytes?: number | undefined; signature?: Signature } = {},
): Promise<InferRequest> {
  const bytes = await readBody(request, options.maxBytes);
  const length = readHeaderLength(request.headers.get(HEADER_LENGTH), bytes.byteLength);
  if (length === 0) return rawInferRequest(bytes, options.signature);
  return parseInferRequest(decodeText(bytes.subarray(0, length)), bytes.subarray(length));
}

function readHeaderLength(header: string | null, bodyLength: number): number {
  if (header === null) return bodyLength;
  // Ten digits count every body that a process can hold.
  const length = /^\d{1,10}$/.test(header) ? Number(header) : Number.NaN;
  if (length <= bodyLength) return length;
  throw malformed(`Inference-Header-Content-Length from 0 to the ${bodyLength} bytes of the body`, header);
}
