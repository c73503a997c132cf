// Finds speech in a recording: audio in, segments out, each as soon as it is found.
import { audio, inference, stream } from 'glowplug';
import { type Segment, segments } from './segments.ts';
import { FRAME, SAMPLE_RATE, speechProbability } from './speech-probability.ts';

const milliseconds = (count: number) => (count * SAMPLE_RATE) / 1000;

/** Silero's defaults. */
const rules = {
  frame: FRAME,
  threshold: 0.5,
  endThreshold: 0.35,
  minSpeech: milliseconds(250),
  minSilence: milliseconds(100),
  pad: milliseconds(30),
};

export const handler = inference({
  models: { vad: 'silero-vad:prod' },
  input: audio({ sampleRate: SAMPLE_RATE, maxSeconds: 300 }),
  async *predict({ audio }, { vad }, { signal }) {
    const { length } = audio.data;
    for await (const segment of segments(speechProbability(audio, vad, signal), { ...rules, length }))
      yield inSeconds(segment);
  },
  encode: stream('lines'),
});

/** A sample is 1/16000 s: seven decimals hold it exactly. */
function inSeconds({ start, end }: Segment) {
  return { start: start / SAMPLE_RATE, end: end / SAMPLE_RATE };
}
