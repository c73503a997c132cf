// What the page is told, as JSON. Types alone: the browser's part shares them, which knows nothing of Node.

export interface PageFunction {
  readonly name: string;
  /** Its function URL; empty where the template has none. */
  readonly url: string;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  /** The request that lies beside the function. */
  readonly sample: PageSample | undefined;
  /** For a terminal, signed as the URL wants it: a request's content type and body follow. */
  readonly curl: string | undefined;
}

export interface PageSample {
  /** As a reader of the project would type it. */
  readonly file: string;
  readonly contentType: string;
}

/** What a function declares, as its handler's `input` has it. */
export interface PageInput {
  readonly kind: string;
  readonly accepts: {
    /** The first is the usual one. */
    readonly contentTypes: readonly string[];
    readonly jsonField?: { readonly name: string; readonly as: string };
    /** By option: `maxBytes`, `maxPixels`. */
    readonly limits: Readonly<Record<string, number>>;
  };
}

/** One invocation, complete when `done`. */
export interface PageInvocation {
  readonly id: string;
  readonly function: string;
  /** The environment's log stream, of which every environment has its own. */
  readonly environment: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly done: boolean;
  readonly durationMs: number | undefined;
  /** Of the environment's init; undefined for a warm one. */
  readonly initMs: number | undefined;
  readonly memoryMb: number | undefined;
  readonly maxMemoryMb: number | undefined;
  /** As REPORT has it: undefined when all was well, else `timeout` or the error's type. */
  readonly failure: string | undefined;
  /** Of the cold start, from its log line; empty for a warm one. */
  readonly stages: readonly PageStage[];
  /** Of the request: its verbs and its models' runs, since it began; empty where the function did not tell. */
  readonly request: readonly PageStage[];
  /** The function's own lines. */
  readonly logs: readonly string[];
}

/** Part of a cold start; milliseconds since the process began. */
export interface PageStage {
  readonly stage: string;
  readonly model?: string;
  readonly from: number;
  readonly to: number;
  readonly bytes?: number;
}

/** Values of one metric of one function, as its log's lines hold them. */
export interface PageMetric {
  readonly function: string;
  readonly name: string;
  readonly unit: string;
  /** Beside the function's name: model, version, code. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** Milliseconds since 1970 and value; the oldest first. */
  readonly values: readonly (readonly [at: number, value: number])[];
}

export interface PageModel {
  readonly store: string;
  readonly model: string;
  /** The newest first. */
  readonly versions: readonly PageVersion[];
  /** Channel → version. */
  readonly channels: Readonly<Record<string, string>>;
}

export interface PageVersion {
  readonly version: string;
  readonly digest: string;
  /** Bytes of all files. */
  readonly size: number;
}
