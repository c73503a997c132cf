// What a student is trained on: each sample with what the teacher answers to it.
import { GlowplugError } from '../core/errors.ts';
import type { Session } from '../session/session.ts';
import type { Tensors } from '../tensor/tensor.ts';
import { answerOf } from './calibrate.ts';
import type { Sample } from './sample.ts';
import { writeNpz } from './write-npz.ts';

export interface Lesson {
  /** The sample's name, made a file's: `page-3.npz`. */
  readonly file: string;
  /** Inputs as `in.<name>`, outputs as `out.<name>`; text is left out. */
  readonly bytes: Uint8Array;
}

/**
 * One .npz for each sample, as they come: nothing is kept.
 *
 * @throws GlowplugError INPUT_TENSOR, SESSION_FAILED, CONFIG_INVALID (two samples of one name)
 */
export async function* distillData(teacher: Session, samples: Iterable<Sample>): AsyncGenerator<Lesson> {
  const taken = new Set<string>();
  for (const sample of samples) {
    const { name, feeds } = sample;
    const file = `${name.replace(/\.(npy|npz|json)$/, '').replace(/[^\w.-]+/g, '_')}.npz`;
    if (taken.has(file)) {
      throw new GlowplugError('CONFIG_INVALID', `expected a name of its own for each sample, got ${file} twice`, {
        remedy: 'Name the samples differently.',
      });
    }
    taken.add(file);
    yield { file, bytes: writeNpz({ ...named('in', feeds), ...named('out', await answerOf(teacher, sample)) }) };
  }
}

function named(side: string, tensors: Tensors): Tensors {
  const numbers = Object.entries(tensors).filter(([, { datatype }]) => datatype !== 'BYTES');
  return Object.fromEntries(numbers.map(([name, tensor]) => [`${side}.${name}`, tensor]));
}
