// The spam classifier as an ONNX graph: which words are in a text → how likely it is spam, and what each word adds to that.
import { floats, integers, modelBytes, node, Type, value } from '../graph/parts.ts';
import type { Linear } from './logistic.ts';

/**
 * The bytes of the model: `words` [N, W] → `probability` [N], `contributions` [N, W] in log odds. A word is its line in
 * vocabulary.txt, from 1; 0 fills a row that has fewer than the longest.
 */
export function spamModel({ weights, bias }: Linear): Uint8Array {
  return modelBytes({
    producer: 'glowplug models/spam/train.ts',
    about: 'Spam by logistic regression over the words of a text. Data: the SpamAssassin public corpus, 2002–2003.',
    // As iris: every onnxruntime since 1.7 runs it.
    opset: 13,
    ir: 7,
    graph: {
      name: 'spam',
      input: [value('words', Type.INT64, ['N', 'W'])],
      output: [value('probability', Type.FLOAT, ['N']), value('contributions', Type.FLOAT, ['N', 'W'])],
      initializer: [
        floats('weights', [weights.length + 1], [0, ...weights]),
        floats('bias', [1], [bias]),
        floats('one', [1], [1]),
        integers('none', [1], [0]),
        integers('row', [1], [1]),
      ],
      node: [
        node('Gather', ['weights', 'words'], 'weight', { axis: 0 }),
        node('Greater', ['words', 'none'], 'isWord'),
        node('Cast', ['isWord'], 'present', { to: Type.FLOAT }),
        node('ReduceSum', ['present', 'row'], 'count', { keepdims: 1 }),
        node('Max', ['count', 'one'], 'atLeastOne'),
        node('Sqrt', ['atLeastOne'], 'length'),
        node('Div', ['weight', 'length'], 'contributions'),
        node('ReduceSum', ['contributions', 'row'], 'sum', { keepdims: 0 }),
        node('Add', ['sum', 'bias'], 'logOdds'),
        node('Sigmoid', ['logOdds'], 'probability'),
      ],
    },
  });
}
