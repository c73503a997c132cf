// The recogniser's lines, half of them upside down, in the width that the classifier was trained on.
import { type Tensors, tensor } from 'glowplug';
import { type Sample, topOne } from 'glowplug/release';
import { samples as lines } from '../ppocr-rec/samples.ts';

const [WIDTH, HEIGHT] = [192, 48];

/** Class 1 stands upside down. */
export const metric = topOne('softmax_0.tmp_0');

export async function* samples(count = 400, seed = 3): AsyncGenerator<Sample> {
  let at = 0;
  for await (const { name, feeds } of lines(count, seed)) {
    const label = at++ % 2;
    yield { name, feeds: { x: strip(feeds, label === 1) }, label };
  }
}

/** A longer line is squeezed, a shorter one has nothing to its right. */
function strip({ x }: Tensors, turned: boolean) {
  if (x?.datatype !== 'FP32') throw new Error('expected lines of FP32');
  const wide = x.shape[3] ?? 0;
  const step = Math.max(1, wide / WIDTH);
  const data = new Float32Array(3 * HEIGHT * WIDTH);
  for (let row = 0; row < 3 * HEIGHT; row++) {
    for (let column = 0; column < Math.min(WIDTH, wide); column++) {
      const from = Math.floor(column * step);
      const [y, at] = [turned ? HEIGHT - 1 - (row % HEIGHT) : row % HEIGHT, turned ? wide - 1 - from : from];
      data[row * WIDTH + column] = x.data[(row - (row % HEIGHT) + y) * wide + at]!;
    }
  }
  return tensor('FP32', [1, 3, HEIGHT, WIDTH], data);
}
