// Trains the spam model and writes spam.onnx, vocabulary.txt, held-out.bin and figures.json beside itself:
// node models/spam/train.ts [folder]. It fetches its corpus once.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { words } from '../../functions/spam/words.ts';
import { type Email, fetchCorpus, readCorpus } from './corpus.ts';
import { emailText } from './email.ts';
import { figures } from './figures.ts';
import { spamModel } from './graph.ts';
import { writeHeldOut } from './held-out.ts';
import { calibrate, type Linear, type Row, score, sigmoid, trainLogistic } from './logistic.ts';
import { nearDuplicates } from './near-duplicates.ts';

/** One e-mail of five is held out, and one of five folds of the rest calibrates what the others trained: by its digest, so at random. */
const PARTS = 5;
/** E-mails of the training set that a word is in at least: rarer ones are names and typing errors, and would be learnt by heart. */
const MIN_EMAILS = 3;
/** Of 3·10⁻⁴, 10⁻⁴, 3·10⁻⁵ and 10⁻⁵ the one with the least log loss over the folds (0.066, 0.055, 0.049, 0.047). */
const DECAY = 1e-5;
/** Hardly an e-mail of the training set changes sides after these. */
const STEPS = 400;
/** Of who collected the corpus, not of who wrote: they would tell these e-mails apart, and no others. */
const collectors = /^(zzzz\w*|spamassassin|taint|jmason|netnoteinc|sourceforge|listinfo|mailman)$/;

interface Sample {
  readonly md5: string;
  readonly spam: boolean;
  readonly words: readonly string[];
}

const folder = resolve(process.argv[2] ?? import.meta.dirname);
const emails = readCorpus(fetchCorpus(resolve(import.meta.dirname, '../..')));
const samples = withoutCopies(emails.map(toSample));
const heldOut = samples.filter((sample) => part(sample, 0) === 0);
const training = samples.filter((sample) => part(sample, 0) !== 0);
console.log(
  `${emails.length} e-mails, ${samples.length} that differ: ${training.length} to train on, ${heldOut.length} held out`,
);

const vocabulary = vocabularyOf(training);
const toRow = rowsOf(vocabulary);
const model = train(training.map(toRow), training);
const held = heldOut.map(toRow);
// As onnxruntime has it: the weights are 32-bit there.
const probabilities = held.map((row) => sigmoid(score(model, row.words)));
const result = {
  training: training.length,
  words: vocabulary.length,
  heldOut: figures(
    probabilities,
    held.map(({ spam }) => spam),
  ),
};

writeFileSync(`${folder}/spam.onnx`, spamModel(model));
writeFileSync(`${folder}/vocabulary.txt`, `${vocabulary.join('\n')}\n`);
writeFileSync(`${folder}/held-out.bin`, writeHeldOut(held));
writeFileSync(`${folder}/figures.json`, `${JSON.stringify(result, null, 2)}\n`);
console.log(JSON.stringify(result));

function toSample({ md5, spam, raw }: Email): Sample {
  return { md5, spam, words: words(emailText(raw)).filter((word) => !collectors.test(word)) };
}

/** One e-mail of each kind, and none without a word. */
function withoutCopies(all: readonly Sample[]): Sample[] {
  const first = nearDuplicates(all.map((sample) => new Set(sample.words)));
  return all.filter((sample, at) => first[at] === at && sample.words.length > 0);
}

/** 0 to 4, by 32 bits of the digest from `digit` on. */
function part({ md5 }: Sample, digit: number): number {
  return Number.parseInt(md5.slice(digit, digit + 8), 16) % PARTS;
}

/** The commonest first: their numbers are short. */
function vocabularyOf(all: readonly Sample[]): string[] {
  const count = new Map<string, number>();
  for (const sample of all) for (const word of sample.words) count.set(word, (count.get(word) ?? 0) + 1);
  return [...count]
    .filter(([, emails]) => emails >= MIN_EMAILS)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([word]) => word);
}

function rowsOf(vocabulary: readonly string[]): (sample: Sample) => Row {
  const index = new Map(vocabulary.map((word, at) => [word, at]));
  return ({ words, spam }) => ({
    spam,
    words: words.map((word) => index.get(word)).filter((at) => at !== undefined),
  });
}

/** Trained on all rows; how far its scores are log odds is learnt from scores of rows that were left out of the training. */
function train(rows: readonly Row[], samples: readonly Sample[]): Linear {
  const options = { vocabulary: vocabulary.length, decay: DECAY, steps: STEPS };
  const scores = rows.map(() => 0);
  for (let fold = 0; fold < PARTS; fold++) {
    const isIn = (at: number) => part(samples[at]!, 8) === fold;
    const others = trainLogistic(
      rows.filter((_row, at) => !isIn(at)),
      options,
    );
    for (const [at, row] of rows.entries()) if (isIn(at)) scores[at] = score(others, row.words);
  }
  const { slope, offset } = calibrate(
    scores,
    rows.map(({ spam }) => spam),
  );
  const { weights, bias } = trainLogistic(rows, options);
  return { weights: weights.map((weight) => weight * slope), bias: bias * slope + offset };
}
