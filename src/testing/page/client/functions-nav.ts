// The functions of the template, one of them chosen.
import { html } from 'lit-html';
import { choose } from './actions.ts';
import { state } from './state.ts';

export function functionsNav() {
  return html`<nav aria-label="Functions">
    ${state.functions.map(
      ({ name, memoryMb }) => html`<button
        aria-current=${name === state.chosen ? 'page' : 'false'}
        @click=${() => void choose(name)}
      >
        <b>${name}</b> <small>${memoryMb} MB</small>
      </button>`,
    )}
  </nav>`;
}
