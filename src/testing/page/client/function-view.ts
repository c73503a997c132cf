// One function: its request, the button, and its answer drawn over what was sent.
import { html } from 'lit-html';
import type { PageFunction } from '../page-data.ts';
import { send, useSample } from './actions.ts';
import { answerView } from './answer-view.ts';
import { requestForm } from './request-form.ts';
import { snippets } from './snippets.ts';
import { state } from './state.ts';

export function functionView(fn: PageFunction) {
  const { name, url, sample } = fn;
  const draft = state.drafts.get(name);
  const answer = state.answers.get(name);
  const busy = state.sending === name;
  return html`<section class="function" aria-labelledby="function-name">
    <div class="title">
      <h2 id="function-name">${name}</h2>
      <code>${url || 'no function URL'}</code>
    </div>
    <form
      @submit=${(event: Event) => {
        event.preventDefault();
        void send(name);
      }}
    >
      ${requestForm(name, draft, answer)}
      <div class="actions">
        <button class="primary" ?disabled=${!draft || url === '' || state.sending !== undefined}>
          ${busy ? 'Running…' : 'Run'} <kbd>Ctrl ⏎</kbd>
        </button>
        ${sample ? html`<button type="button" @click=${() => void useSample(name)}>Sample</button>` : ''}
      </div>
    </form>
    ${answer ? answerView(answer) : ''} ${draft && url !== '' ? snippets(fn, draft) : ''}
  </section>`;
}
