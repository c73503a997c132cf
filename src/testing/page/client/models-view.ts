// The models in the stores of the functions, with what their channels name.
import { html } from 'lit-html';
import type { PageModel } from '../page-data.ts';
import { state } from './state.ts';

export function modelsView() {
  const { models } = state;
  return html`<section class="models" aria-labelledby="models">
    <h2 id="models">Models</h2>
    ${
      models.length === 0
        ? html`<p class="empty">The store is empty.</p>`
        : html`<div class="scroll"><table>
          <thead>
            <tr><th>model</th><th>version</th><th>channels</th><th class="number">size</th><th>digest</th></tr>
          </thead>
          <tbody>
            ${models.map(rows)}
          </tbody>
        </table></div>`
    }
  </section>`;
}

function rows({ model, versions, channels }: PageModel) {
  return versions.map(({ version, digest, size }, at) => {
    const named = Object.entries(channels).filter(([, target]) => target === version || target === digest);
    return html`<tr>
      <th scope="row">${at === 0 ? model : ''}</th>
      <td>${version}</td>
      <td>${named.map(([channel]) => html`<span class="channel">${channel}</span> `)}</td>
      <td class="number">${size < 1e6 ? `${Math.ceil(size / 1e3)} KB` : `${(size / 1e6).toFixed(1)} MB`}</td>
      <td><code>${digest.slice(7, 19)}</code></td>
    </tr>`;
  });
}
