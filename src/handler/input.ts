// Decode: what comes out of a request's body before predict sees it.
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { MAX_BODY_BYTES, readBody, readText } from '../core/body.ts';
import { GlowplugError, shorten } from '../core/errors.ts';
import type { InferRequest } from '../protocol/infer-request.ts';
import { readInferRequest } from '../protocol/read-infer-request.ts';
import { decodeImage, type RawImage } from '../tensor/image.ts';
import type { Context } from './context.ts';

/** The decode verb of a function. `kind` says what a client sends; `custom` is the function's own. */
export interface Input<I> {
  readonly kind: 'json' | 'tensors' | 'image' | 'custom';
  /** Bytes of a body, for the protocol's own paths too. @default 6 MB, Lambda's limit */
  readonly maxBytes?: number | undefined;
  decode(request: Request, context: Context): Promise<I> | I;
}

/**
 * JSON, checked by any Standard Schema (zod, valibot, arktype).
 *
 * @throws GlowplugError INPUT_EMPTY, INPUT_JSON, INPUT_SCHEMA (names each field), INPUT_TOO_LARGE
 * @example
 * inference({ input: json(z.object({ text: z.string().max(10_000) })), … })
 */
export function json<S extends StandardSchemaV1>(
  schema: S,
  options: { maxBytes?: number } = {},
): Input<StandardSchemaV1.InferOutput<S>> {
  return {
    kind: 'json',
    async decode(request) {
      const value = parseJson(await readText(request, options.maxBytes));
      const result = await schema['~standard'].validate(value);
      if (!result.issues) return result.value;
      const issues = result.issues.slice(0, 5).map((issue) => `${pathOf(issue)}: ${issue.message}`);
      const more = result.issues.length > 5 ? ` (and ${result.issues.length - 5} more)` : '';
      throw new GlowplugError('INPUT_SCHEMA', `the body does not fit: ${issues.join('; ')}${more}`);
    },
  };
}

/**
 * Tensors as the Open Inference Protocol has them: JSON `{ inputs: [{ name, shape, datatype, data }] }`, or JSON and bytes.
 *
 * @throws GlowplugError INPUT_EMPTY, INPUT_ENCODING, INPUT_JSON, INPUT_TENSOR, INPUT_TOO_LARGE
 */
export function tensors(options: { maxBytes?: number } = {}): Input<InferRequest> {
  return {
    kind: 'tensors',
    maxBytes: options.maxBytes,
    async decode(request) {
      return await readInferRequest(request, options);
    },
  };
}

/**
 * An image as the body (JPEG, PNG, WebP, GIF, TIFF, AVIF), or JSON `{ "image": "<base64>" }` where only JSON travels.
 * RGB, upright by its EXIF orientation, on white where it is transparent. Needs the package sharp.
 *
 * @throws GlowplugError INPUT_EMPTY, INPUT_IMAGE, INPUT_TOO_LARGE (more than `maxPixels`, checked before decoding)
 */
export function image(options: { maxPixels: number; maxBytes?: number }): Input<{ image: RawImage }> {
  return {
    kind: 'image',
    async decode(request) {
      const maxBytes = options.maxBytes ?? MAX_BODY_BYTES;
      const isJson = /^application\/json\b/i.test(request.headers.get('content-type') ?? '');
      const bytes = isJson ? fromBase64(await readText(request, maxBytes)) : await readBody(request, maxBytes);
      return { image: await decodeImage(bytes, { maxPixels: options.maxPixels, maxBytes }) };
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GlowplugError(
      'INPUT_JSON',
      `expected JSON: ${error instanceof Error ? shorten(error.message, 120) : 'it cannot be parsed'}`,
    );
  }
}

function fromBase64(text: string): Uint8Array {
  const value = parseJson(text);
  const field = typeof value === 'object' && value !== null && 'image' in value ? value.image : undefined;
  if (typeof field === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(field)) return Buffer.from(field, 'base64');
  throw new GlowplugError(
    'INPUT_IMAGE',
    'expected JSON { "image": "<base64>" }, or the image itself as the body with its own content type',
  );
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return path === '' ? 'body' : path;
}
