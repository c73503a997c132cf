// The types that publish, lock, resolve and fetch share: what one version of a model is.
import type { Signature } from '../core/signature.ts';

/** `sha256:` and 64 hex digits. */
export type Digest = `sha256:${string}`;

/** The weights of `model.onnx`, where they stand apart: the name that other tools give to external data. */
export const weightsFile = 'model.onnx_data';

/** One file of a version: `model.onnx`, labels, tokenizer, licence. */
export interface VersionFile {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly mediaType: string;
  /** Digests of its parts (chunks.ts): only of weights that publishing split from their graph. */
  readonly chunks?: string;
}

/** A version as the lock file pins it. */
export interface LockedVersion {
  /** The model's name, such as `ppocr-det`. */
  readonly model: string;
  /** The write-once tag, such as `4.0.0`. */
  readonly version: string;
  /** Digest of the OCI manifest, or of the index of the version's variants: this is the version. */
  readonly digest: Digest;
  /** Which of its variants this is; absent where the version has none. */
  readonly variant?: string;
  /** By file name; exactly one is `model.onnx`. */
  readonly files: Readonly<Record<string, VersionFile>>;
  readonly signature: Signature;
  /** In whose files a cold start is quicker, with the same answers but for rounding: the first that this processor can run. */
  readonly starts?: readonly StartForm[];
}

/** Another variant of a version, for the cold start of the one that it stands beside. */
export interface StartForm {
  readonly variant: string;
  /** What its graph needs of the processor, as the system names it (`avx512f`); absent where any will do. */
  readonly needs?: readonly string[];
  /** `model.onnx`, and its weights where they stand apart; all other files are the version's. */
  readonly files: Readonly<Record<string, VersionFile>>;
}

/** What says which version it is, and nothing of what is in it. */
export type PinnedVersion = Pick<LockedVersion, 'model' | 'version' | 'digest'>;

/** models.lock.json: reference as functions write it → version. */
export interface Lock {
  readonly lockVersion: 1;
  readonly models: Readonly<Record<string, LockedVersion>>;
}

/** A version whose bytes are on this disk and are the ones that were published. */
export interface FetchedVersion {
  readonly locked: LockedVersion;
  /** Paths by file name. */
  readonly paths: Readonly<Record<string, string>>;
}

/** Bytes on this disk, hashed once. They are sent from there, and are never in memory whole. */
export interface LocalFile {
  readonly path: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Of the whole: S3 can join it from parts, as it cannot a SHA-256. */
  readonly crc32: number;
}

/** Bytes that lie elsewhere, brought here only when they are needed, and gone when they were used. */
export interface RemoteFile {
  readonly size: number;
  use(send: (file: LocalFile) => Promise<void>): Promise<void>;
}

export type Content = Uint8Array | LocalFile | RemoteFile;

/** A version that could be published: everything the store will hold of it. */
export interface BuiltVersion {
  /** Its only or its first variant. */
  readonly locked: LockedVersion;
  /** Manifest or index: its bytes have the digest of the version. */
  readonly manifest: Uint8Array;
  /** The files and the configs. */
  readonly blobs: ReadonlyMap<Digest, Content>;
  /** By name, each with its own manifest; empty where the version has none. */
  readonly variants: Readonly<Record<string, BuiltVariant>>;
}

export interface BuiltVariant {
  readonly locked: LockedVersion;
  readonly manifest: Uint8Array;
}
