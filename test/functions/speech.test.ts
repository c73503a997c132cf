// The speech function in this process, with silero's model, on a voice that is synthesised here.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Model } from 'glowplug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { speechProbability } from '../../functions/speech/speech-probability.ts';
import sileroVad from '../../models/silero-vad.ts';
import type { InferenceHandler } from '../../src/inference.ts';
import { decodeAudio } from '../../src/tensor/audio.ts';
import { resample } from '../../src/tensor/resample.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { difference } from '../../src/testing/samples.ts';
import { root } from '../root.ts';
import { makeWav, sixteenBits } from '../tensor/make-wav.ts';
import { publishHere } from './publish-here.ts';
import { SYLLABLE, synthesiseVoice } from './synthesise-voice.ts';

let models: AsyncDisposable;
let handler: InferenceHandler;

beforeAll(async () => {
  models = await publishHere(sileroVad);
  ({ handler } = await import('../../functions/speech/function.ts'));
});
afterAll(() => models?.[Symbol.asyncDispose]());

const utterances = [
  { from: 0.5, syllables: ['a', 'i', 'o', 'e', 'u'] },
  { from: 2.4, syllables: ['o', 'a', 'i', 'e'] },
] as const;
const voice = synthesiseVoice(4, utterances);

describe('functions/speech', () => {
  it('answers its sample, which this repository synthesises, with its golden answer', async () => {
    const wav = await readFile(join(root, 'functions/speech/request.wav'));
    // Math.sin may differ in its last bits between versions of V8.
    const { data } = decodeAudio(wav, 'audio/wav', 16_000, { maxSeconds: 4, maxChannels: 1 });
    expect(Math.max(...data.map((value, n) => Math.abs(value - voice[n]!)))).toBeLessThan(2 / 32_768);
    const { body, tolerance } = JSON.parse(await readFile(join(root, 'functions/speech/answer.golden.json'), 'utf8'));
    expect(difference(body, await segments('audio/wav', wav), tolerance)).toBeUndefined();
  });

  it('finds each utterance within a tenth of a second of where it was put, whatever the rate and the form', async () => {
    const at8k = resample(voice, 16_000, 8000);
    const stereo = [...resample(voice, 16_000, 44_100)].flatMap((x) => [x, x]);
    for (const answer of [
      await segments('audio/wav', makeWav({ sampleRate: 8000, samples: sixteenBits(at8k) })),
      await segments('audio/wav', makeWav({ sampleRate: 44_100, channels: 2, samples: sixteenBits(stereo) })),
      await segments('audio/pcm;rate=16000', sixteenBits(voice)),
    ]) {
      expect(answer).toHaveLength(2);
      for (const [index, { from, syllables }] of utterances.entries()) {
        expect(Math.abs(answer[index]!.start - from)).toBeLessThan(0.1);
        expect(Math.abs(answer[index]!.end - (from + syllables.length * SYLLABLE))).toBeLessThan(0.15);
      }
    }
  });

  it('moves its segments with the voice, sample by sample', async () => {
    // A whole number of frames: the model hears the same frames later.
    const shift = 512 * 10;
    const later = new Float32Array(voice.length + shift);
    later.set(synthesiseVoice(1, []).subarray(0, shift));
    later.set(voice, shift);
    const [first, second] = [
      await segments('audio/pcm;rate=16000', sixteenBits(voice)),
      await segments('audio/pcm;rate=16000', sixteenBits(later)),
    ];
    expect(second.length).toBe(first.length);
    for (const [index, { start }] of first.entries()) {
      expect(Math.abs(second[index]!.start - start - shift / 16_000)).toBeLessThanOrEqual(512 / 16_000);
      expect(start * 16_000).toBe(Math.round(start * 16_000));
    }
  });

  it.each([
    ['silence', new Float32Array(32_000)],
    ['noise', Float32Array.from({ length: 32_000 }, (_, n) => 0.2 * Math.sin(n * n * 12.9898))],
    ['a tone', Float32Array.from({ length: 32_000 }, (_, n) => 0.3 * Math.sin((2 * Math.PI * 440 * n) / 16_000))],
    ['a recording shorter than a frame', new Float32Array(100)],
  ])('finds none in %s', async (_what, samples) => {
    expect(await segments('audio/pcm;rate=16000', sixteenBits(samples))).toEqual([]);
  });

  it.each([
    ['an MP3', 'audio/mpeg', Buffer.from('ID3\x04 and so on'), 'INPUT_AUDIO'],
    ['a file that is cut off', 'audio/wav', makeWav({ samples: sixteenBits(voice) }).subarray(0, 1000), 'INPUT_AUDIO'],
    ['more than 300 seconds', 'audio/PCMU', Buffer.alloc(8000 * 301), 'INPUT_TOO_LARGE'],
  ])('refuses %s', async (_what, contentType, bytes, code) => {
    expect(await (await ask(contentType, bytes)).json()).toMatchObject({ code });
  });
});

it('a recording is listened to no further when its request was given up', async () => {
  const gone = new AbortController();
  let frames = 0;
  const vad = {
    run: async () => {
      if (++frames === 3) gone.abort();
      return {
        output: tensor('FP32', [1, 1], Float32Array.of(0)),
        stateN: tensor('FP32', [2, 1, 128], new Float32Array(256)),
      };
    },
  };
  // A stand-in with the part that is used.
  const model = vad as unknown as Model<'silero-vad:prod'>;
  const listening = Array.fromAsync(speechProbability({ sampleRate: 16_000, data: voice }, model, gone.signal));
  await expect(listening).rejects.toMatchObject({ name: 'AbortError' });
  expect(frames).toBe(3);
});

interface Segment {
  readonly start: number;
  readonly end: number;
}

async function segments(contentType: string, bytes: Uint8Array): Promise<Segment[]> {
  const text = await (await ask(contentType, bytes)).text();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

async function ask(contentType: string, bytes: Uint8Array): Promise<Response> {
  return await handler.fetch(
    new Request('http://localhost/', {
      method: 'POST',
      headers: { 'content-type': contentType },
      body: Uint8Array.from(bytes),
    }),
  );
}
