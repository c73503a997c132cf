// What the page asks of the local cloud.

import { bodyValue } from '../../../core/body-value.ts';
import type { PageInput, PageInvocation } from '../page-data.ts';
import { firstDraft, refusal } from './accepted.ts';
import { type Answer, changed, type Draft, state } from './state.ts';

/** Functions and models as they are now, and the invocations from now on. */
export async function load(): Promise<void> {
  try {
    const [functions, models] = await Promise.all([get('functions'), get('models')]);
    const names = functions.map(({ name }: { name: string }) => name);
    const chosen = state.chosen !== undefined && names.includes(state.chosen) ? state.chosen : names[0];
    changed({ functions, models, chosen, problem: undefined });
    state.inputs.clear();
    if (chosen !== undefined) await prepare(chosen);
  } catch {
    changed({ problem: 'The local cloud does not answer.' });
  }
}

export function follow(): void {
  const source = new EventSource('invocations');
  let wasAway = false;
  source.onopen = () => {
    if (wasAway) void load();
    wasAway = false;
    changed({ connected: true });
  };
  source.onerror = () => {
    wasAway = true;
    changed({ connected: false });
  };
  source.onmessage = ({ data }) => {
    const invocation: PageInvocation = JSON.parse(data);
    const others = state.invocations.filter(({ id }) => id !== invocation.id);
    const invocations = [invocation, ...others].sort((a, b) => b.startedAt - a.startedAt);
    changed({ invocations: invocations.slice(0, 200) });
  };
}

export async function choose(name: string): Promise<void> {
  changed({ chosen: name, problem: undefined });
  await prepare(name);
}

/** What the function declares, and a request to begin with: the sample, else one that is made of what is declared. */
async function prepare(name: string): Promise<void> {
  const input = await declared(name);
  changed();
  await useSample(name, false);
  const first = input && firstDraft(input);
  if (first && !state.drafts.has(name)) setDraft(name, first);
  changed();
}

async function declared(name: string): Promise<PageInput | undefined> {
  if (!state.inputs.has(name)) {
    const input: PageInput | null = await get(`functions/${encodeURIComponent(name)}/input`);
    state.inputs.set(name, input ?? undefined);
  }
  return state.inputs.get(name);
}

/** A file that was dropped or chosen becomes the draft, unless it is nothing that the function takes. */
export async function takeFile(name: string, file: File | undefined): Promise<void> {
  if (!file) return;
  const problem = refusal(await declared(name), file);
  changed({ problem });
  if (problem !== undefined) return;
  const contentType = file.type || 'application/octet-stream';
  setDraft(name, { contentType, body: isText(contentType) ? await file.text() : file, file: file.name });
}

/** The request that lies beside the function becomes the draft. */
export async function useSample(name: string, again = true): Promise<void> {
  const sample = state.functions.find((each) => each.name === name)?.sample;
  if (!sample || (!again && state.drafts.has(name))) return;
  const answered = await fetch(`functions/${encodeURIComponent(name)}/sample`);
  if (!answered.ok) return;
  const body = isText(sample.contentType) ? await answered.text() : await answered.blob();
  // A file may have been dropped meanwhile: it stays.
  if (!again && state.drafts.has(name)) return;
  setDraft(name, { ...sample, body });
}

export function setDraft(name: string, draft: Draft): void {
  state.drafts.set(name, draft);
  state.answers.delete(name);
  changed();
}

export function isText(contentType: string): boolean {
  return /^text\/|json\b/.test(contentType);
}

/** Sends the draft of a function; what streams is shown as it comes. */
export async function send(name: string): Promise<void> {
  const draft = state.drafts.get(name);
  if (!draft || state.sending !== undefined) return;
  changed({ sending: name, problem: undefined });
  const start = performance.now();
  try {
    const answered = await fetch(`functions/${encodeURIComponent(name)}`, {
      method: 'POST',
      headers: { 'content-type': draft.contentType },
      body: draft.body,
    });
    let text = '';
    const tell = (ended: boolean) => {
      state.answers.set(name, toAnswer(answered, text, performance.now() - start, ended));
      changed();
    };
    if (answered.body) {
      const reader = answered.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        text += part.value;
        tell(false);
      }
    }
    tell(true);
  } catch {
    changed({ problem: `${name} did not answer: the local cloud went away meanwhile.` });
  } finally {
    changed({ sending: undefined });
  }
}

function toAnswer({ status, headers }: Response, text: string, ms: number, ended: boolean): Answer {
  const timing = [...(headers.get('server-timing') ?? '').matchAll(/([\w-]+);dur=([\d.]+)/g)];
  const contentType = headers.get('content-type') ?? '';
  return {
    status,
    contentType,
    text,
    // A line that is half here is none yet.
    value: bodyValue(contentType, ended ? text : text.slice(0, text.lastIndexOf('\n') + 1)),
    requestId: headers.get('x-amzn-requestid') ?? undefined,
    models: headers.get('x-glowplug-model') ?? undefined,
    timing: timing.map(([, name = '', duration]) => ({ name, ms: Number(duration) })),
    ms,
    ended,
  };
}

async function get(what: string) {
  const answered = await fetch(what);
  if (!answered.ok) throw new Error(`${what}: ${answered.status}`);
  return await answered.json();
}
