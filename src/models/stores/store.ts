// Where versions live. Every driver passes test/models/store-contract.ts.

export interface StoredObject {
  readonly etag: string;
  /** Bytes of the whole object, also when a range was asked for. */
  readonly size: number;
  readonly body: ReadableStream<Uint8Array>;
}

export interface GetOptions {
  /** First and last byte, both inclusive, as HTTP ranges are. */
  readonly range?: readonly [first: number, last: number];
  /** Called when the request is with the network, where there is one: from then on the caller may block for a while. */
  onSent?(): void;
  readonly signal?: AbortSignal;
}

/** A put without a condition does not exist: blobs are created once, indexes are compared and swapped. */
export type PutCondition = { readonly ifNoneMatch: '*' } | { readonly ifMatch: string };

export interface ReadableStore {
  /** Names the store in messages: `s3://bucket/prefix` or a path. Never a credential. */
  readonly name: string;
  /** undefined when there is no such key. Throws STORE_UNAVAILABLE, STORE_FORBIDDEN. */
  get(key: string, options?: GetOptions): Promise<StoredObject | undefined>;
}

export interface Store extends ReadableStore {
  head(key: string, options?: { signal?: AbortSignal }): Promise<{ etag: string; size: number } | undefined>;
  /** Throws STORE_CONFLICT when the condition does not hold. */
  put(
    key: string,
    body: Uint8Array,
    condition: PutCondition,
    options?: { signal?: AbortSignal },
  ): Promise<{ etag: string }>;
  /** Keys under a prefix, in order of their code units. */
  list(prefix: string): AsyncIterable<string>;
}
