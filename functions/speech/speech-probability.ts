// How likely somebody speaks, frame by frame: silero VAD remembers what it heard, so one frame follows the other.
import { type Model, type RawAudio, tensor } from 'glowplug';
import { windows } from 'glowplug/process';

/** What the model was trained with: 32 ms at 16 kHz, and the last 4 ms of the frame before. */
export const SAMPLE_RATE = 16_000;
export const FRAME = 512;
const CONTEXT = 64;
const STATE = [2, 1, 128] as const;

/** A probability for each frame, the last of which is filled up with silence. */
export async function* speechProbability({ data }: RawAudio, vad: Model<'silero-vad:prod'>): AsyncGenerator<number> {
  const sr = tensor('INT64', [], BigInt64Array.of(BigInt(SAMPLE_RATE)));
  let state = tensor('FP32', STATE, new Float32Array(STATE[0] * STATE[1] * STATE[2]));
  for (const { start, end } of windows(data.length, FRAME)) {
    const input = new Float32Array(CONTEXT + FRAME);
    input.set(data.subarray(Math.max(0, start - CONTEXT), start), Math.max(0, CONTEXT - start));
    input.set(data.subarray(start, end), CONTEXT);
    const { output, stateN } = await vad.run({ input: tensor('FP32', [1, input.length], input), state, sr });
    state = stateN;
    yield output.data[0]!;
  }
}
