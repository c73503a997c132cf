// The recogniser's answer for one line as text, with its spaces: docs/decisions/ocr-spaces.md has the figures.
import { type CtcSymbol, ctcGreedy, meanConfidence } from 'glowplug/process';
import { widestGap } from './ink.ts';

/** Pixels of a strip behind one step of the answer. */
const STEP = 8;
/** Between letters the space stays far below this; at gaps it is above even where the blank wins the step. */
const LIKELY = 0.1;
/** Enough where the pixels show a gap, too. */
const POSSIBLE = 0.01;
/** Pixels by which a gap is wider than the usual one of its line, in a strip of 48 rows. */
const VISIBLE = 8;

export interface Reading {
  readonly text: string;
  /** Mean probability of the characters; spaces do not count. */
  readonly confidence: number;
}

/**
 * @param probabilities steps × classes; class 0 is the blank, the last one the space
 * @param columns where the strip has ink
 */
export function readLine(probabilities: Float32Array, characters: readonly string[], columns: Uint8Array): Reading {
  const classes = characters.length;
  const space = classes - 1;
  const symbols = ctcGreedy(probabilities, classes).filter(({ index }) => index !== space);
  const gaps = symbols.slice(1).map((next, i) => gapBetween(symbols[i]!, next));
  const usual = gaps.map(({ width }) => width).sort((a, b) => a - b)[gaps.length >> 1] ?? 0;
  const text = symbols.map(({ index }, i) => {
    const gap = gaps[i - 1];
    const isSpace = gap && (gap.space > LIKELY || (gap.space > POSSIBLE && gap.width >= usual + VISIBLE));
    return (isSpace ? ' ' : '') + characters[index];
  });
  return { text: halfWidth(text.join('')), confidence: meanConfidence(symbols) };

  function gapBetween(left: CtcSymbol, right: CtcSymbol): { readonly space: number; readonly width: number } {
    let best = 0;
    for (let step = left.to; step <= right.from; step++) best = Math.max(best, probabilities[step * classes + space]!);
    return { space: best, width: widestGap(columns, left.to * STEP, (right.from + 1) * STEP) };
  }
}

/** The model learned from Chinese print: between Latin letters its full-width comma is a comma. */
function halfWidth(text: string): string {
  if (/\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}/u.test(text)) return text;
  return text.replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0));
}
