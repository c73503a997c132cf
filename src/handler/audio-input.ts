// Audio as an input: WAV or raw samples, at the rate that the model wants.
import { MAX_BODY_BYTES } from '../core/body.ts';
import { decodeAudio, type RawAudio } from '../tensor/audio.ts';
import type { Input } from './input.ts';
import { ownDecode } from './own-decode.ts';
import { isJson } from './parse-json.ts';
import { readMedia } from './read-media.ts';

export interface AudioOptions {
  /** Hz, as the model wants it: whatever comes is resampled. */
  readonly sampleRate: number;
  readonly maxSeconds: number;
  /** They are mixed into one. @default 8 */
  readonly maxChannels?: number;
  readonly maxBytes?: number;
}

/**
 * A WAV file as the body (8 to 32 bits, floats, A-law, µ-law), raw samples with a content type such as `audio/L16;rate=16000` or
 * `audio/pcm;rate=24000` (little-endian), or JSON `{ "audio": "<base64 of a WAV file>" }` where only JSON travels.
 *
 * @throws GlowplugError INPUT_EMPTY, INPUT_AUDIO, INPUT_TOO_LARGE (bytes, seconds, channels; before decoding)
 * @example
 * inference({ input: audio({ sampleRate: 16_000, maxSeconds: 60 }), predict: ({ audio }) => … })
 */
export function audio(options: AudioOptions): Input<{ audio: RawAudio }> {
  const { sampleRate, maxSeconds, maxChannels = 8, maxBytes = MAX_BODY_BYTES } = options;
  return {
    kind: 'audio',
    accepts: {
      contentTypes: ['audio/wav', 'audio/L16', 'audio/L24', 'audio/pcm', 'audio/PCMU', 'audio/PCMA', 'audio/basic'],
      jsonField: { name: 'audio', as: 'base64' },
      limits: { maxBytes, maxSeconds, maxChannels },
    },
    decode: ownDecode(async (request) => {
      const bytes = await readMedia(request, { field: 'audio', code: 'INPUT_AUDIO', maxBytes });
      const contentType = isJson(request) ? 'audio/wav' : (request.headers.get('content-type') ?? '');
      return { audio: decodeAudio(bytes, contentType, sampleRate, { maxSeconds, maxChannels }) };
    }),
  };
}
