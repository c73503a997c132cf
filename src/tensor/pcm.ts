// Uncompressed audio: how samples are written, and all channels of them as one row of numbers.
import { GlowplugError } from '../core/errors.ts';

interface Format {
  readonly bytes: number;
  /** The sample at `at`, full scale being ±1. */
  read(view: DataView, at: number): number;
}

/** By name: signed, unsigned or float, bits, and the order of the bytes; µ-law and A-law are G.711's. */
const formats = {
  u8: { bytes: 1, read: (view, at) => (view.getUint8(at) - 0x80) / 0x80 },
  s16le: { bytes: 2, read: (view, at) => view.getInt16(at, true) / 0x8000 },
  s16be: { bytes: 2, read: (view, at) => view.getInt16(at) / 0x8000 },
  s24le: { bytes: 3, read: (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 0x80_0000 },
  s24be: { bytes: 3, read: (view, at) => ((view.getInt8(at) << 16) | view.getUint16(at + 1)) / 0x80_0000 },
  s32le: { bytes: 4, read: (view, at) => view.getInt32(at, true) / 0x8000_0000 },
  f32le: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  f64le: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  mulaw: { bytes: 1, read: (view, at) => muLaw(view.getUint8(at)) },
  alaw: { bytes: 1, read: (view, at) => aLaw(view.getUint8(at)) },
} satisfies Record<string, Format>;

export type SampleFormat = keyof typeof formats;

export interface Pcm {
  readonly format: SampleFormat;
  /** Frames a second; a frame is one sample of each channel. */
  readonly sampleRate: number;
  readonly channels: number;
  readonly bytes: Uint8Array;
}

/** Bytes of one frame. */
export function frameBytes({ format, channels }: Pick<Pcm, 'format' | 'channels'>): number {
  return formats[format].bytes * channels;
}

/**
 * The mean of the channels, a number a frame.
 *
 * @throws GlowplugError INPUT_AUDIO for samples that are no numbers, or so large that they are no sound
 */
export function toMono(pcm: Pcm): Float32Array {
  const { format, channels, bytes } = pcm;
  const { bytes: step, read }: Format = formats[format];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mono = new Float32Array(Math.floor(bytes.byteLength / frameBytes(pcm)));
  for (let frame = 0, at = 0; frame < mono.length; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++, at += step) sum += read(view, at);
    // Floats may be louder than full scale, but not by 120 dB: those are bytes of something else.
    if (!(Math.abs(sum) <= 1e6 * channels)) {
      throw new GlowplugError('INPUT_AUDIO', `expected samples around ±1, got ${sum / channels} in frame ${frame}`);
    }
    mono[frame] = sum / channels;
  }
  return mono;
}

/** ITU-T G.711, of 14 bits: all bits are inverted. */
function muLaw(byte: number): number {
  const code = ~byte & 0xff;
  const magnitude = (((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4);
  return ((code & 0x80 ? -1 : 1) * (magnitude - 0x84)) / 0x8000;
}

/** ITU-T G.711, of 13 bits: every second bit is inverted. */
function aLaw(byte: number): number {
  const code = byte ^ 0x55;
  const exponent = (code & 0x70) >> 4;
  const mantissa = ((code & 0x0f) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return ((code & 0x80 ? 1 : -1) * magnitude) / 0x8000;
}
