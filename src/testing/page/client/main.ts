// The page: functions to try, what their invocations did, and the models that answered.
import { html, render } from 'lit-html';
import { follow, load, send } from './actions.ts';
import { functionView } from './function-view.ts';
import { functionsNav } from './functions-nav.ts';
import { invocationsView } from './invocations-view.ts';
import { followMetrics } from './metrics.ts';
import { metricsView } from './metrics-view.ts';
import { modelsView } from './models-view.ts';
import { drawWith, state } from './state.ts';

drawWith(() => render(page(), document.body));
addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || state.chosen === undefined) return;
  event.preventDefault();
  void send(state.chosen);
});
void load();
follow();
followMetrics();

function page() {
  const chosen = state.functions.find(({ name }) => name === state.chosen);
  return html`
    <header>
      <h1>glowplug <small>local cloud</small></h1>
      <span class="live ${state.connected ? 'on' : ''}" role="status">${state.connected ? 'live' : 'away'}</span>
    </header>
    ${state.problem === undefined ? '' : html`<p class="problem" role="alert">${state.problem}</p>`}
    ${functionsNav()}
    <main>
      ${chosen ? functionView(chosen) : html`<p class="empty">The template has no function yet.</p>`}
      ${invocationsView()} ${chosen ? metricsView(chosen.name) : ''} ${modelsView()}
    </main>
  `;
}
