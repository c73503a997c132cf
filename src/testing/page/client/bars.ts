// Scores of an answer as bars: classes with their probabilities, words with their weights.

import { html } from 'lit-html';
import { isRecord } from '../../../core/is-record.ts';

interface Score {
  readonly label: string;
  readonly value: number;
}

/** The first place in the answer that names two numbers or more: an object of numbers, or a list of a name and a number each. */
export function scoresIn(value: unknown): Score[] {
  const own = Array.isArray(value) ? listed(value) : isRecord(value) ? named(value) : [];
  if (own.length >= 2) return own.slice(0, 20);
  if (!isRecord(value)) return [];
  for (const each of Object.values(value)) {
    const found = scoresIn(each);
    if (found.length > 0) return found;
  }
  return [];
}

function named(value: Record<string, unknown>): Score[] {
  const entries = Object.entries(value);
  return entries.every(([, each]) => isScore(each))
    ? entries.map(([label, each]) => ({ label, value: Number(each) }))
    : [];
}

function listed(values: readonly unknown[]): Score[] {
  const scores = values.map((value) => {
    // A box or a segment is drawn elsewhere.
    if (!isRecord(value) || 'box' in value || 'start' in value) return undefined;
    const label = Object.values(value).find((each) => typeof each === 'string');
    const score = Object.values(value).find((each) => typeof each === 'number');
    return typeof label === 'string' && isScore(score) ? { label, value: Number(score) } : undefined;
  });
  return scores.flatMap((score) => score ?? []);
}

function isScore(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= 100;
}

export function bars(scores: readonly Score[]) {
  const most = Math.max(1, ...scores.map(({ value }) => Math.abs(value)));
  return html`<table class="bars">
    <caption>
      Scores
    </caption>
    ${scores.map(
      ({ label, value }) => html`<tr>
        <th scope="row">${label}</th>
        <td>
          <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <rect class=${value < 0 ? 'against' : ''} width=${(Math.abs(value) / most) * 100} height="10" />
          </svg>
        </td>
        <td class="number">${value.toFixed(3)}</td>
      </tr>`,
    )}
  </table>`;
}
