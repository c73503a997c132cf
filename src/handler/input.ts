// Decode: what comes out of a request's body before predict sees it.
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { MAX_BODY_BYTES, readText } from '../core/body.ts';
import { GlowplugError } from '../core/errors.ts';
import type { InferRequest } from '../protocol/infer-request.ts';
import { decodeImage, type RawImage } from '../tensor/image.ts';
import type { Context } from './context.ts';
import { ownDecode } from './own-decode.ts';
import { parseJson } from './parse-json.ts';
import { readMedia } from './read-media.ts';

/** The decode verb of a function. `kind` says what a client sends; `custom` is the function's own. */
export interface Input<I> {
  readonly kind: 'json' | 'tensors' | 'image' | 'audio' | 'text' | 'custom';
  /** Absent where only the decode itself knows. */
  readonly accepts?: Accepts;
  /** Bytes of a body, for the protocol's own paths too. @default 6 MB, Lambda's limit */
  readonly maxBytes?: number | undefined;
  /** JSON Schema of what the body is, where the schema's library tells it. */
  jsonSchema?(): unknown;
  decode(request: Request, context: Context): Promise<I> | I;
}

/** What a client may send, and how much of it: for forms and API descriptions. */
export interface Accepts {
  /** Content types of the body; the first is the usual one. */
  readonly contentTypes: readonly string[];
  /** Where the body may be JSON around one value: that value's name, and how it stands there. */
  readonly jsonField?: { readonly name: string; readonly as: 'base64' | 'text' | 'texts' };
  /** By the names of the options that set them, such as `maxBytes` and `maxPixels`. */
  readonly limits: Readonly<Record<string, number>>;
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
  const { maxBytes = MAX_BODY_BYTES } = options;
  return {
    kind: 'json',
    accepts: { contentTypes: ['application/json'], limits: { maxBytes } },
    jsonSchema() {
      const standard: StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props> = schema['~standard'];
      return standard.jsonSchema?.input({ target: 'draft-2020-12' });
    },
    decode: ownDecode(async (request) => {
      const value = parseJson(await readText(request, maxBytes));
      const result = await schema['~standard'].validate(value);
      if (!result.issues) return result.value;
      const issues = result.issues.slice(0, 5).map((issue) => `${pathOf(issue)}: ${issue.message}`);
      const more = result.issues.length > 5 ? ` (and ${result.issues.length - 5} more)` : '';
      throw new GlowplugError('INPUT_SCHEMA', `the body does not fit: ${issues.join('; ')}${more}`);
    }),
  };
}

/**
 * Tensors as the Open Inference Protocol has them: JSON `{ inputs: [{ name, shape, datatype, data }] }`, or JSON and bytes.
 *
 * @throws GlowplugError INPUT_EMPTY, INPUT_ENCODING, INPUT_JSON, INPUT_TENSOR, INPUT_TOO_LARGE
 */
export function tensors(options: { maxBytes?: number } = {}): Input<InferRequest> {
  const { maxBytes = MAX_BODY_BYTES } = options;
  return {
    kind: 'tensors',
    accepts: { contentTypes: ['application/json', 'application/octet-stream'], limits: { maxBytes } },
    maxBytes: options.maxBytes,
    decode: ownDecode(async (request) => {
      const { readInferRequest } = await import('../protocol/read-infer-request.ts');
      return await readInferRequest(request, options);
    }),
  };
}

/**
 * An image as the body (JPEG, PNG, WebP, GIF, TIFF, AVIF), or JSON `{ "image": "<base64>" }` where only JSON travels.
 * RGB, upright by its EXIF orientation, on white where it is transparent. Needs the package sharp.
 *
 * @throws GlowplugError INPUT_EMPTY, INPUT_IMAGE, INPUT_TOO_LARGE (more than `maxPixels`, checked before decoding)
 */
export function image(options: { maxPixels: number; maxBytes?: number }): Input<{ image: RawImage }> {
  const { maxPixels, maxBytes = MAX_BODY_BYTES } = options;
  return {
    kind: 'image',
    accepts: {
      contentTypes: ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/tiff', 'image/avif'],
      jsonField: { name: 'image', as: 'base64' },
      limits: { maxBytes, maxPixels },
    },
    decode: ownDecode(async (request) => {
      const bytes = await readMedia(request, { field: 'image', code: 'INPUT_IMAGE', maxBytes });
      return { image: await decodeImage(bytes, { maxPixels, maxBytes }) };
    }),
  };
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return path === '' ? 'body' : path;
}
