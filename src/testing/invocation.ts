// What a front door (a function URL, the Invoke API) hands to a function of the local cloud, and what it gets back.

export interface Invocation {
  readonly payload: Uint8Array;
  readonly clientContext?: string;
  readonly traceId?: string;
  /** The same in every try of an asynchronous invocation. @default a new one */
  readonly requestId?: string;
  readonly signal?: AbortSignal;
  /** The version or alias that the caller named. */
  readonly qualifier?: string;
  /** The caller takes a stream. */
  readonly streams?: boolean;
}

/** In place of an outcome, for who asked for a stream: the function has begun to answer. */
export interface StreamOutcome {
  readonly kind: 'stream';
  readonly requestId: string;
  readonly contentType: string;
  /** As fast as they are taken. Ends, or breaks off, as `ended` then says. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** The caller has gone: the function goes on and what it still writes is dropped. */
  drain(): void;
  /** How it went, once the function is done; never rejects. */
  readonly ended: Promise<StreamedOutcome>;
}

/** `error` is the JSON `{ errorType, errorMessage, trace? }` of a function that failed on the way. */
export interface StreamedOutcome {
  readonly error: Uint8Array | undefined;
  readonly logTail: string;
}

export type Outcome =
  /** What the function returned, as JSON bytes. */
  | { readonly kind: 'response'; readonly requestId: string; readonly payload: Uint8Array; readonly logTail: string }
  /** The payload is the JSON `{ errorType, errorMessage, trace? }`. */
  | {
      readonly kind: 'error';
      readonly requestId: string;
      readonly payload: Uint8Array;
      readonly functionError: 'Unhandled';
      readonly logTail: string;
    }
  | {
      readonly kind: 'throttled';
      readonly reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' | 'ConcurrentInvocationLimitExceeded';
    }
  /** The request's payload is over 6 MB. */
  | { readonly kind: 'too-large'; readonly bytes: number };
