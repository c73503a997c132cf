// Where versions live. Every driver passes test/models/store-contract.ts.
import type { LocalFile } from '../version.ts';

export interface StoredObject {
  readonly etag: string;
  /** Bytes of the whole object, also when a range was asked for. */
  readonly size: number;
  readonly body: Body;
}

/** To be read once, or cancelled. A web stream is one; the first of a process takes 5 ms to load, so S3's reader makes none. */
export interface Body extends AsyncIterable<Uint8Array> {
  cancel(): Promise<void>;
}

/** First and last byte, both inclusive, as HTTP ranges are. */
export type Range = readonly [first: number, last: number];

export interface GetOptions {
  readonly range?: Range;
  /** An etag: when the object still has it, it comes back with this etag and an empty body. */
  readonly ifNoneMatch?: string;
  /** Called when the request is with the network, where there is one: from then on the caller may block for a while. */
  onSent?(): void;
  readonly signal?: AbortSignal;
}

/** A put without a condition does not exist: blobs are created once, indexes are compared and swapped. */
export type PutCondition = { readonly ifNoneMatch: '*' } | { readonly ifMatch: string };

export interface ReceiveOptions {
  readonly range: Range;
  /** Bytes of the whole object. */
  readonly size: number;
  readonly signal: AbortSignal;
  onSent(): void;
  /** The next bytes, which are good until it returns. False: no more are wanted. */
  land(bytes: Uint8Array): boolean;
}

export interface ReadableStore {
  /** Names the store in messages: `s3://bucket/prefix` or a path. Never a credential. */
  readonly name: string;
  /** undefined when there is no such key. Throws STORE_UNAVAILABLE, STORE_FORBIDDEN. */
  get(key: string, options?: GetOptions): Promise<StoredObject | undefined>;
  /**
   * A range in the fastest way that there is, once. False: nothing landed, and `get` will tell why. Throws what `land` throws,
   * STORE_UNAVAILABLE when it breaks within.
   */
  receive?(key: string, options: ReceiveOptions): Promise<boolean>;
}

export interface StoreOptions {
  readonly signal?: AbortSignal;
}

export interface UploadOptions extends StoreOptions {
  /** Hears of bytes that have arrived; those that an earlier upload left there count too. */
  readonly onBytes?: (bytes: number) => void;
}

/** What an upload that was cut off left behind. */
export interface Unfinished {
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly begun: number;
  remove(): Promise<void>;
}

export interface Store extends ReadableStore {
  /** `modified` is in milliseconds since 1970, by the store's clock. */
  head(key: string, options?: StoreOptions): Promise<{ etag: string; size: number; modified: number } | undefined>;
  /** Throws STORE_CONFLICT when the condition does not hold. */
  put(key: string, body: Uint8Array, condition: PutCondition, options?: StoreOptions): Promise<{ etag: string }>;
  /**
   * Creates the key from a file, never holding more than a few parts of it, and goes on with what an upload that was cut off
   * left. Throws STORE_CONFLICT when the key is there, DIGEST_MISMATCH when the file is no longer what was hashed.
   */
  upload(key: string, file: LocalFile, options?: UploadOptions): Promise<void>;
  /** Says nothing of a key that is not there. */
  delete(key: string, options?: StoreOptions): Promise<void>;
  /** Keys under a prefix, in order of their code units. */
  list(prefix: string): AsyncIterable<string>;
  unfinished(prefix: string): AsyncIterable<Unfinished>;
}
