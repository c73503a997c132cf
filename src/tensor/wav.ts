// A WAV file's header: where its samples are and how they are written. Nothing is copied, and nothing is believed that the file
// is too short for. Sources: Microsoft, "Multiple Channel Audio Data and WAVE Files" (WAVEFORMATEXTENSIBLE); RFC 2361.
import { GlowplugError, shorten } from '../core/errors.ts';
import { frameBytes, type Pcm, type SampleFormat } from './pcm.ts';

/** By format tag and bits. */
const formats: Readonly<Record<string, SampleFormat>> = {
  '1:8': 'u8',
  '1:16': 's16le',
  '1:24': 's24le',
  '1:32': 's32le',
  '3:32': 'f32le',
  '3:64': 'f64le',
  '6:8': 'alaw',
  '7:8': 'mulaw',
};
const EXTENSIBLE = 0xfffe;
/** Of the format GUIDs that are a format tag: `xxxx0000-0000-1000-8000-00aa00389b71`. */
const guidTail = '000000001000800000aa00389b71';
/** What programs write that do not know the length yet, as at the end of a pipe: to the end of the file. */
const UNKNOWN = 0x7fff_0000;
/** More chunks than any program writes; a hostile file could hold a million empty ones. */
const MAX_CHUNKS = 1000;

/** @throws GlowplugError INPUT_AUDIO naming what is wrong */
export function parseWav(bytes: Uint8Array): Pcm {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 12 || tag(view, 8) !== 'WAVE') throw wrong('a RIFF file of the kind WAVE', tag(view, 8));
  let head: Omit<Pcm, 'bytes'> | undefined;
  for (let at = 12, count = 0; at + 8 <= bytes.byteLength && count < MAX_CHUNKS; count++) {
    const [name, size] = [tag(view, at), view.getUint32(at + 4, true)];
    const start = at + 8;
    if (name === 'fmt ') head ??= readHead(view, start, size);
    if (name === 'data') {
      if (!head) throw wrong('a fmt chunk before the data', 'none');
      return { ...head, bytes: dataOf(bytes, start, size, frameBytes(head)) };
    }
    // Chunks lie on even bytes.
    at = start + size + (size % 2);
  }
  throw wrong('a data chunk', 'a file that ends before it');
}

function readHead(view: DataView, at: number, size: number): Omit<Pcm, 'bytes'> {
  if (size < 16 || at + size > view.byteLength) throw wrong('a fmt chunk of at least 16 bytes', `${size} announced`);
  const extensible = view.getUint16(at, true) === EXTENSIBLE;
  if (extensible && (size < 40 || !hex(view, at + 26, 14).startsWith(guidTail))) {
    throw wrong('an extensible fmt chunk with a known sub-format', `${size} bytes`);
  }
  const formatTag = view.getUint16(extensible ? at + 24 : at, true);
  const bits = view.getUint16(at + 14, true);
  const format = formats[`${formatTag}:${bits}`];
  if (!format) {
    throw wrong(
      'PCM of 8, 16, 24 or 32 bits, 32- or 64-bit floats, A-law or µ-law',
      `format ${formatTag} of ${bits} bits`,
    );
  }
  const head = { format, channels: view.getUint16(at + 2, true), sampleRate: view.getUint32(at + 4, true) };
  if (head.channels === 0) throw wrong('at least one channel', 0);
  const align = view.getUint16(at + 12, true);
  if (align !== frameBytes(head)) throw wrong(`frames of ${frameBytes(head)} bytes`, align);
  return head;
}

function dataOf(bytes: Uint8Array, start: number, size: number, frame: number): Uint8Array {
  const there = bytes.byteLength - start;
  if (size >= UNKNOWN || (size === 0 && there > 0)) return bytes.subarray(start, start + there - (there % frame));
  if (size > there) throw wrong(`${size} bytes of samples`, `${there}: the file is cut off`);
  if (size % frame !== 0) throw wrong(`whole frames of ${frame} bytes`, `${size} bytes of samples`);
  return bytes.subarray(start, start + size);
}

function tag(view: DataView, at: number): string {
  if (at + 4 > view.byteLength) return '';
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
}

function hex(view: DataView, at: number, count: number): string {
  return Array.from({ length: count }, (_, i) =>
    view
      .getUint8(at + i)
      .toString(16)
      .padStart(2, '0'),
  ).join('');
}

function wrong(expected: string, got: unknown): GlowplugError {
  return new GlowplugError('INPUT_AUDIO', `expected a WAV file with ${expected}, got ${shorten(got)}`);
}
