// A recording's bytes as one row of samples at the rate a model wants: limited before anything is decoded, channels mixed.
import { GlowplugError, shorten } from '../core/errors.ts';
import { frameBytes, type Pcm, type SampleFormat, toMono } from './pcm.ts';
import { resample } from './resample.ts';
import { parseWav } from './wav.ts';

export interface RawAudio {
  /** Samples a second. */
  readonly sampleRate: number;
  /** One a sample, full scale being ±1. */
  readonly data: Float32Array;
}

export interface AudioLimits {
  /** Of the recording, by its header: checked before the samples are decoded. */
  readonly maxSeconds: number;
  readonly maxChannels: number;
}

/** From telephones' half to studios' double: beyond them the filter would be long, or the sound no sound. */
const rates = [4000, 192_000] as const;

/** Raw samples by content type: L16 and L24 of RFC 3551 and 3190, G.711 of RFC 4856 and 2046; `pcm` is what browsers and APIs send. */
const raw: Readonly<Record<string, { format: SampleFormat; sampleRate?: number }>> = {
  'audio/l16': { format: 's16be' },
  'audio/l24': { format: 's24be' },
  'audio/pcm': { format: 's16le' },
  'audio/pcmu': { format: 'mulaw', sampleRate: 8000 },
  'audio/pcma': { format: 'alaw', sampleRate: 8000 },
  'audio/basic': { format: 'mulaw', sampleRate: 8000 },
};

/** What people hand over instead, by its first bytes. */
const compressed: readonly { readonly magic: string; readonly at?: number; readonly name: string }[] = [
  { magic: 'ID3', name: 'MP3' },
  { magic: '\xff\xfb', name: 'MP3' },
  { magic: 'OggS', name: 'Ogg (Vorbis or Opus)' },
  { magic: 'fLaC', name: 'FLAC' },
  { magic: 'ftyp', at: 4, name: 'MP4 or M4A' },
  { magic: '\x1aE\xdf\xa3', name: 'WebM' },
  { magic: 'FORM', name: 'AIFF' },
  { magic: 'RF64', name: 'RF64, a WAV file of more than 4 GB' },
];

/**
 * Decodes WAV (PCM of 8 to 32 bits, floats, A-law, µ-law; extensible too), or raw samples whose content type says rate and channels.
 *
 * @param sampleRate of the answer
 * @throws GlowplugError INPUT_AUDIO, INPUT_TOO_LARGE
 * @example
 * const { data } = decodeAudio(bytes, 'audio/wav', 16_000, { maxSeconds: 60, maxChannels: 2 });
 */
export function decodeAudio(bytes: Uint8Array, contentType: string, sampleRate: number, limits: AudioLimits): RawAudio {
  const pcm = readPcm(bytes, contentType);
  check(pcm, limits);
  return { sampleRate, data: resample(toMono(pcm), pcm.sampleRate, sampleRate) };
}

function readPcm(bytes: Uint8Array, contentType: string): Pcm {
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const known = Object.hasOwn(raw, type) ? raw[type] : undefined;
  if (known) {
    const number = (name: string) =>
      Number(parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? Number.NaN);
    const pcm = {
      format: known.format,
      channels: number('channels') || 1,
      sampleRate: number('rate') || known.sampleRate || 0,
      bytes,
    };
    const frame = frameBytes(pcm);
    if (pcm.sampleRate === 0 || !Number.isSafeInteger(pcm.channels) || pcm.channels < 1) {
      throw new GlowplugError('INPUT_AUDIO', `expected ${type};rate=16000;channels=1, got ${shorten(contentType)}`);
    }
    if (bytes.byteLength % frame === 0) return pcm;
    throw new GlowplugError('INPUT_AUDIO', `expected whole frames of ${frame} bytes, got ${bytes.byteLength} bytes`);
  }
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 12)).toString('latin1');
  if (head.startsWith('RIFF')) return parseWav(bytes);
  const name = compressed.find(({ magic, at = 0 }) => head.startsWith(magic, at))?.name;
  const got = name ?? `${bytes.byteLength} bytes that begin like none`;
  throw new GlowplugError(
    'INPUT_AUDIO',
    `expected a WAV file, or raw samples with ${Object.keys(raw).join(', ')}; got ${got}`,
  );
}

function check({ sampleRate, channels, bytes, format }: Pcm, { maxSeconds, maxChannels }: AudioLimits): void {
  if (!(sampleRate >= rates[0] && sampleRate <= rates[1])) {
    throw new GlowplugError('INPUT_AUDIO', `expected a sample rate of ${rates.join(' to ')} Hz, got ${sampleRate}`);
  }
  if (channels > maxChannels) {
    throw new GlowplugError(
      'INPUT_TOO_LARGE',
      `expected at most ${maxChannels} channels (maxChannels), got ${channels}`,
    );
  }
  const seconds = bytes.byteLength / frameBytes({ format, channels }) / sampleRate;
  if (seconds > maxSeconds) {
    const got = seconds.toFixed(1);
    throw new GlowplugError('INPUT_TOO_LARGE', `expected at most ${maxSeconds} seconds (maxSeconds), got ${got}`);
  }
  if (bytes.byteLength === 0) throw new GlowplugError('INPUT_AUDIO', 'expected samples, got a recording without any');
}
