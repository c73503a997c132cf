// All that the page knows. Views read it, actions change it and ask for a new drawing.
import type { PageFunction, PageInput, PageInvocation, PageModel } from '../page-data.ts';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  /** What the text holds: JSON's value, a list for lines and events, or the text itself. */
  readonly value: unknown;
  readonly requestId: string | undefined;
  /** `name=model:version@digest`, from x-glowplug-model. */
  readonly models: string | undefined;
  /** Milliseconds of each verb, from Server-Timing. */
  readonly timing: readonly { readonly name: string; readonly ms: number }[];
  /** From sending to the last byte, as this browser saw it. */
  readonly ms: number;
  readonly ended: boolean;
}

/** What is to be sent: text that was typed, or a file. */
export interface Draft {
  readonly contentType: string;
  readonly body: string | Blob;
  /** Where the body lies, as a terminal may name it; undefined for what was typed. */
  readonly file?: string;
}

export interface State {
  functions: readonly PageFunction[];
  models: readonly PageModel[];
  /** The newest first. */
  invocations: readonly PageInvocation[];
  /** Name of the function that is shown. */
  chosen: string | undefined;
  /** Id of the invocation whose log is open. */
  opened: string | undefined;
  /** What each function declares, as far as it was asked; undefined for one that declares nothing. */
  readonly inputs: Map<string, PageInput | undefined>;
  readonly drafts: Map<string, Draft>;
  readonly answers: Map<string, Answer>;
  sending: string | undefined;
  connected: boolean;
  /** What went wrong last, for a reader. */
  problem: string | undefined;
}

export const state: State = {
  functions: [],
  models: [],
  invocations: [],
  chosen: undefined,
  opened: undefined,
  inputs: new Map(),
  drafts: new Map(),
  answers: new Map(),
  sending: undefined,
  connected: false,
  problem: undefined,
};

let draw = (): void => {};
let asked = false;

/** `next` draws everything; many changes of a moment are one drawing. */
export function drawWith(next: () => void): void {
  draw = next;
}

export function changed(change: Partial<State> = {}): void {
  Object.assign(state, change);
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    draw();
  });
}
