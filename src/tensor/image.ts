// An image file's bytes as RGB pixels: limited before anything is decoded, upright, on white. Decoding is sharp's.
import type { Metadata, Sharp, SharpOptions } from 'sharp';
import { GlowplugError } from '../core/errors.ts';

/** Pixels row by row, three bytes each: red, green, blue. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  /** width · height · 3 bytes. */
  readonly data: Uint8Array;
}

export interface ImageLimits {
  /** Width times height as the file's header says it: checked before the pixels are decoded. */
  readonly maxPixels: number;
  /** Bytes of the file. */
  readonly maxBytes: number;
}

/**
 * Decodes a still JPEG, PNG, WebP, GIF, TIFF or AVIF: RGB, upright by its EXIF orientation, on white where transparent.
 *
 * @throws GlowplugError INPUT_IMAGE, INPUT_TOO_LARGE, DEPENDENCY_MISSING
 * @example
 * const { width, height, data } = await decodeImage(bytes, { maxPixels: 25_000_000, maxBytes: 6_000_000 });
 */
export async function decodeImage(bytes: Uint8Array, limits: ImageLimits): Promise<RawImage> {
  if (bytes.byteLength > limits.maxBytes) {
    throw new GlowplugError(
      'INPUT_TOO_LARGE',
      `expected an image file of at most ${limits.maxBytes} bytes (maxBytes), got ${bytes.byteLength}`,
    );
  }
  if (!looksLikeImage(bytes)) {
    throw new GlowplugError('INPUT_IMAGE', `expected an image, got ${bytes.byteLength} bytes that begin like none`);
  }
  const sharp = await loadSharp();
  // The limit is ours, below, so that the message can name both numbers; sharp's own would stop it at 268 megapixels.
  checkHeader(await readHeader(sharp(bytes, { limitInputPixels: false })), limits.maxPixels);
  const { data, info } = await decode(sharp(bytes, { limitInputPixels: limits.maxPixels, failOn: 'error' }));
  return { width: info.width, height: info.height, channels: 3, data };
}

/**
 * By its first bytes. sharp would also read what draws rather than holds pixels (SVG), where a few bytes can ask for
 * any amount of work and name other files.
 */
function looksLikeImage(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 12)).toString('latin1');
  return (
    ['\xff\xd8\xff', '\x89PNG\r\n', 'GIF87a', 'GIF89a', 'II*\0', 'MM\0*'].some((start) => head.startsWith(start)) ||
    (head.startsWith('RIFF') && head.endsWith('WEBP')) ||
    ['ftypavif', 'ftypmif1', 'ftypmiaf'].includes(head.slice(4))
  );
}

async function loadSharp(): Promise<(input: Uint8Array, options: SharpOptions) => Sharp> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    throw new GlowplugError('DEPENDENCY_MISSING', 'expected the package sharp, found none that loads', {
      cause,
      remedy: 'On Lambda add the SharpLayer; elsewhere npm i sharp.',
    });
  }
}

async function readHeader(image: Sharp): Promise<Metadata> {
  try {
    return await image.metadata();
  } catch (cause) {
    throw new GlowplugError('INPUT_IMAGE', 'expected an image, got a file whose header cannot be read', { cause });
  }
}

function checkHeader({ format, width, height, pages }: Metadata, maxPixels: number): void {
  const pixels = width * height;
  if (pixels > maxPixels) {
    throw new GlowplugError(
      'INPUT_TOO_LARGE',
      `expected an image of at most ${maxPixels} pixels (maxPixels), got ${width}×${height} = ${pixels}`,
    );
  }
  // Answering for the first frame would hide that the others were never looked at.
  if (pages !== undefined && pages > 1) {
    throw new GlowplugError('INPUT_IMAGE', `expected a still image, got ${format} with ${pages} frames or pages`, {
      remedy: 'Send each frame or page as an image of its own.',
    });
  }
}

async function decode(image: Sharp) {
  try {
    return await image
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
  } catch (cause) {
    throw new GlowplugError('INPUT_IMAGE', 'expected a whole image, got one that is cut off or damaged', { cause });
  }
}
