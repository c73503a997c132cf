// The answer: how it went, its classes as bars, and all of it as JSON.
import { html } from 'lit-html';
import { bars, scoresIn } from './bars.ts';
import type { Answer } from './state.ts';
import { stageBars } from './waterfall.ts';

export function answerView(answer: Answer) {
  const { status, ms, models, timing, value, text, ended } = answer;
  const scores = scoresIn(value);
  return html`<div class="answer" aria-live="polite">
    <p class="outcome">
      <b class=${status < 400 ? 'good' : 'bad'}>${status}</b> ${ended ? 'in' : 'so far'} ${ms.toFixed(0)} ms
      ${models === undefined ? '' : html`<span class="version">${models.replaceAll(/sha256:(\w{8})\w*/g, '$1')}</span>`}
    </p>
    ${timing.length > 0 ? stageBars(inOrder(timing)) : ''} ${scores.length > 0 ? bars(scores) : ''}
    <pre tabindex="0" aria-label="Answer">${typeof value === 'string' ? text : shown(value)}</pre>
  </div>`;
}

/** One verb begins where the one before ended. */
function inOrder(timing: Answer['timing']) {
  let from = 0;
  return timing.map(({ name, ms }) => {
    const stage = { stage: name, from, to: from + ms };
    from = stage.to;
    return stage;
  });
}

/** JSON with its small lists on one line, as people read boxes and shapes. */
function shown(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(/\[[^[\]{}]*\]/g, (list) => list.replaceAll(/\s+/g, ' '));
}
