// Stages as bars under each other, each from its begin to its end.
import { html } from 'lit-html';
import type { PageStage } from '../page-data.ts';

export function stageBars(stages: readonly PageStage[], caption = 'Stages') {
  const end = Math.max(0.001, ...stages.map(({ to }) => to));
  return html`<table class="waterfall">
    <caption>
      ${caption}
    </caption>
    ${stages.map(
      ({ stage, model, from, to, bytes }) => html`<tr>
        <th scope="row">${stage} ${model ?? ''}</th>
        <td>
          <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <rect x=${(from / end) * 100} width=${Math.max(0.4, ((to - from) / end) * 100)} height="10" />
          </svg>
        </td>
        <td class="number">${milliseconds(to - from)}${bytes ? ` · ${(bytes / 1000 / (to - from)).toFixed(0)} MB/s` : ''}</td>
      </tr>`,
    )}
  </table>`;
}

export function milliseconds(ms: number): string {
  return ms < 10 ? `${ms.toFixed(2)} ms` : `${ms.toFixed(0)} ms`;
}
