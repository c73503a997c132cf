// The request, as a form: a picture, a recording, the fields of its JSON, or text. Any file that the function takes may be dropped.

import { html } from 'lit-html';
import { isRecord } from '../../../core/is-record.ts';
import { described, filter } from './accepted.ts';
import { setDraft, takeFile } from './actions.ts';
import { boxesIn, pictureWithBoxes } from './boxes.ts';
import { parsed } from './parsed.ts';
import { type Answer, type Draft, state } from './state.ts';
import { segmentsIn, waveform } from './waveform.ts';

export function requestForm(name: string, draft: Draft | undefined, answer: Answer | undefined) {
  const input = state.inputs.get(name);
  const take = (file: File | undefined) => void takeFile(name, file);
  return html`<div
    class="drop"
    @dragover=${(event: DragEvent) => event.preventDefault()}
    @drop=${(event: DragEvent) => {
      event.preventDefault();
      take(event.dataTransfer?.files[0]);
    }}
  >
    ${shown(name, draft, answer)}
    <label class="file"
      >${draft ? 'Another file' : 'A file'}: drop it here, or <span>choose</span>
      <input
        type="file"
        accept=${filter(input)}
        @change=${({ target }: Event) => target instanceof HTMLInputElement && take(target.files?.[0])}
      />
    </label>
    ${input ? html`<small class="accepts">${described(input)}</small>` : ''}
  </div>`;
}

function shown(name: string, draft: Draft | undefined, answer: Answer | undefined) {
  if (!draft) return '';
  const { contentType, body } = draft;
  if (typeof body === 'string')
    return /json\b/.test(contentType) ? jsonFields(name, contentType, body) : textField(name, contentType, body);
  if (contentType.startsWith('image/')) return pictureWithBoxes(body, boxesIn(answer?.value));
  if (contentType.startsWith('audio/')) return waveform(body, segmentsIn(answer?.value));
  return html`<p>${body.size.toLocaleString('en')} bytes of ${contentType}</p>`;
}

function textField(name: string, contentType: string, text: string) {
  return html`<label class="field"
    >Text
    <textarea
      rows="8"
      .value=${text}
      @input=${(event: InputEvent) => setDraft(name, { contentType, body: typed(event) })}
    ></textarea>
  </label>`;
}

/** Each field of an object gets the input of its kind; anything deeper is JSON in an input of its own. */
function jsonFields(name: string, contentType: string, text: string) {
  const value = parsed(text);
  const flat = isRecord(value) && Object.keys(value).length <= 12;
  const put = (body: string) => setDraft(name, { contentType, body });
  const raw = html`<label class="field"
    >${flat ? 'The same as JSON' : 'JSON'}
    <textarea rows=${flat ? 4 : 12} spellcheck="false" .value=${text} @input=${(event: InputEvent) => put(typed(event))}></textarea>
    ${value === undefined ? html`<small class="bad">This is not JSON.</small>` : ''}
  </label>`;
  if (!flat) return raw;
  const set = (key: string, next: unknown) => put(JSON.stringify({ ...value, [key]: next }, null, 2));
  return html`<div class="fields">
      ${Object.entries(value).map(([key, each]) => field(key, each, (next) => set(key, next)))}
    </div>
    <details><summary>JSON</summary>${raw}</details>`;
}

function field(key: string, value: unknown, set: (next: unknown) => void) {
  if (typeof value === 'boolean') {
    const tick = ({ target }: Event) => set(target instanceof HTMLInputElement && target.checked);
    return html`<label class="field tick"><input type="checkbox" .checked=${value} @change=${tick} /> ${key}</label>`;
  }
  if (typeof value === 'number') {
    const type = (event: InputEvent) => Number.isFinite(Number.parseFloat(typed(event))) && set(Number(typed(event)));
    return html`<label class="field">${key} <input type="number" step="any" .value=${String(value)} @input=${type} /></label>`;
  }
  if (typeof value === 'string') {
    return html`<label class="field wide"
      >${key} <textarea rows="4" .value=${value} @input=${(event: InputEvent) => set(typed(event))}></textarea>
    </label>`;
  }
  if (Array.isArray(value) && value.every((each) => typeof each === 'string' && !each.includes('\n'))) {
    const type = (event: InputEvent) => set(typed(event).split('\n'));
    return html`<label class="field wide"
      >${key}, one a line <textarea rows="4" .value=${value.join('\n')} @input=${type}></textarea>
    </label>`;
  }
  const put = (event: Event) => {
    const next = parsed(typed(event));
    if (next !== undefined) set(next);
  };
  return html`<label class="field wide"
    >${key} <textarea rows="3" spellcheck="false" .value=${JSON.stringify(value)} @change=${put}></textarea>
  </label>`;
}

function typed({ target }: Event): string {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement ? target.value : '';
}
