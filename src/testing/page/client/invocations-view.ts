// The live list of invocations; one of them open, with its cold start and its log.
import { html } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import type { PageInvocation } from '../page-data.ts';
import { changed, state } from './state.ts';
import { milliseconds, stageBars } from './waterfall.ts';

export function invocationsView() {
  const { invocations } = state;
  return html`<section class="invocations" aria-labelledby="invocations">
    <h2 id="invocations">Invocations</h2>
    ${
      invocations.length === 0
        ? html`<p class="empty">None yet. Each one that anybody makes appears here as it runs.</p>`
        : html`<div class="scroll"><table>
          <thead>
            <tr><th>at</th><th>function</th><th>environment</th><th></th><th class="number">duration</th><th class="number">memory</th></tr>
          </thead>
          <tbody>
            ${repeat(invocations, ({ id }) => id, row)}
          </tbody>
        </table></div>`
    }
  </section>`;
}

function row(invocation: PageInvocation) {
  const { id, startedAt, environment, initMs, durationMs, memoryMb, maxMemoryMb, failure, done } = invocation;
  const open = state.opened === id;
  const toggle = () => changed({ opened: open ? undefined : id });
  return html`<tr class=${failure === undefined ? '' : 'failed'}>
      <td><button aria-expanded=${open} aria-label="Log of this invocation" @click=${toggle}>${open ? '▾' : '▸'}</button> ${clock(startedAt)}</td>
      <td>${invocation.function}</td>
      <td><code>${environment.slice(-8)}</code></td>
      <td>${failure ?? (initMs === undefined ? 'warm' : html`<span class="cold">cold, init ${milliseconds(initMs)}</span>`)}</td>
      <td class="number">${done && durationMs !== undefined ? milliseconds(durationMs) : 'runs'}</td>
      <td class="number">${maxMemoryMb === undefined ? '' : `${maxMemoryMb} of ${memoryMb} MB`}</td>
    </tr>
    ${open ? opened(invocation) : ''}`;
}

function opened({ id, stages, request, logs }: PageInvocation) {
  return html`<tr class="opened">
    <td colspan="6">
      <p><small>request ${id}</small></p>
      ${request.length > 0 ? stageBars(request, 'Request') : ''}
      ${stages.length > 0 ? stageBars(stages, 'Cold start') : ''}
      ${logs.length > 0 ? html`<pre tabindex="0" aria-label="Log">${logs.join('\n')}</pre>` : html`<p class="empty">It logged nothing.</p>`}
    </td>
  </tr>`;
}

function clock(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}
