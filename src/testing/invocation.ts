// What a front door (a function URL, the Invoke API) hands to a function of the local cloud, and what it gets back.

export interface Invocation {
  readonly payload: Uint8Array;
  readonly clientContext?: string;
  readonly traceId?: string;
  /** The same in every try of an asynchronous invocation. @default a new one */
  readonly requestId?: string;
  readonly signal?: AbortSignal;
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
