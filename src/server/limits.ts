// What one client may take of the server. Every number is for one request or one connection, times in ms.

export interface Limits {
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** Bytes of a request's line and headers. */
  readonly headerBytes: number;
  readonly connections: number;
  /** For the headers to arrive. */
  readonly headersMs: number;
  /** For the whole request to arrive. */
  readonly receiveMs: number;
  /** From the request's arrival to its answer; also the longest silence of a client that reads the answer. */
  readonly answerMs: number;
  /** Between two requests of a connection. */
  readonly idleMs: number;
}

export const defaultLimits: Limits = {
  // Four times SageMaker's 25 MB; what one function takes is its own, lower maxBytes.
  bodyBytes: 100 * 1024 * 1024,
  headerBytes: 16 * 1024,
  // Idle ones cost about 10 KB each.
  connections: 16_384,
  headersMs: 15_000,
  receiveMs: 60_000,
  // What SageMaker allows an answer, and load balancers by default.
  answerMs: 60_000,
  // Over the 60 s after which AWS's load balancers let go of an idle connection: the one that closes first must be they.
  idleMs: 75_000,
};
