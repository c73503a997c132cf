// The recording of functions/speech frame by frame, at several loudnesses and with noise, each frame with what FP32 remembers by
// then. Without labels of people: that FP32 hears speech in a frame is what variants must hear.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tensor } from 'glowplug';
import { type Metric, type Sample, seededRandom } from 'glowplug/release';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const root = join(import.meta.dirname, '../..');
/** 32 ms at 16 kHz, behind the last 4 ms of the frame before. */
const [FRAME, CONTEXT] = [512, 64];
const RATE = 16_000n;
/** Gain and noise of each pass over the recording. */
const passes = [
  [1, 0],
  [0.3, 0.01],
  [0.1, 0.03],
] as const;

export const metric: Metric = {
  name: 'frames heard as FP32 hears them',
  better: 'higher',
  binary: true,
  count: ({ output }, label) => [Number(output?.data[0] ?? 0) >= 0.5 === label ? 1 : 0, 1],
  value: ([right = 0, all = 0]) => right / all,
};

export async function* samples(): AsyncGenerator<Sample> {
  const session = await InferenceSession.create(join(root, 'node_modules/@ricky0123/vad-web/dist/silero_vad_v6.onnx'));
  const sr = new Tensor('int64', BigInt64Array.of(RATE), []);
  const random = seededRandom(4);
  for (const [gain, noise] of passes) {
    const heard = recording().map((one) => gain * one + noise * (random() * 2 - 1));
    let state = new Float32Array(256);
    for (let at = CONTEXT; at + FRAME <= heard.length; at += FRAME) {
      const input = heard.slice(at - CONTEXT, at + FRAME);
      const result = await session.run({
        input: new Tensor('float32', input, [1, input.length]),
        state: new Tensor('float32', state, [2, 1, 128]),
        sr,
      });
      yield {
        name: `frame at ${at}, gain ${gain}`,
        feeds: {
          input: tensor('FP32', [1, input.length], input),
          state: tensor('FP32', [2, 1, 128], state),
          sr: tensor('INT64', [], BigInt64Array.of(RATE)),
        },
        label: Number(result['output']?.data[0]) >= 0.5,
      };
      state = Float32Array.from(result['stateN']?.data as Float32Array);
    }
  }
}

/** 16 bits, one channel, 16 kHz. */
function recording(): Float32Array {
  const file = readFileSync(join(root, 'functions/speech/request.wav'));
  const start = file.indexOf('data') + 8;
  return Float32Array.from(
    { length: (file.length - start) >> 1 },
    (_, at) => file.readInt16LE(start + 2 * at) / 32_768,
  );
}
