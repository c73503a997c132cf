// What the supervisor tells the serving process, and what it hears of it.

import type { Provider } from '../core/provider.ts';
import type { BatchOptions } from '../session/batched.ts';
import type { PackedError } from '../session/worker-messages.ts';
import type { Limits } from './limits.ts';

/** Everything that a serving process needs: files that are there already, no store, no compiler. */
export interface ServeSpec {
  readonly units: readonly UnitSpec[];
  /** Where their versions are; undefined: as the environment says. */
  readonly store?: string | undefined;
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** For gRPC, 0: the first process takes a free one, which the later ones keep; undefined: it is not answered. */
  readonly grpcPort: number | undefined;
  readonly sagemaker: boolean;
  readonly apiKeys: readonly string[];
  readonly cors: readonly string[];
  readonly limits: Partial<Limits>;
  /** By model; `*` is for all others. */
  readonly providers: Readonly<Record<string, Provider | 'auto'>>;
  /** MB that open models may take; undefined: as the environment says. */
  readonly modelsMb: number | undefined;
  readonly drainMs: number;
  readonly runLimitMs: number;
}

export type UnitSpec = FunctionSpec | ModelsSpec;

export interface FunctionSpec {
  readonly kind: 'function';
  readonly name: string;
  /** Folder of its bundle. */
  readonly folder: string;
  /** Path of the request.* beside its function.ts. */
  readonly sample?: string;
}

export interface ModelsSpec {
  readonly kind: 'models';
  /** Name → reference in the lock file. */
  readonly models: Readonly<Record<string, string>>;
  /** Those whose requests meet. */
  readonly batched: Readonly<Record<string, BatchOptions>>;
  /** Opened by their first request, not before the first. */
  readonly onDemand: boolean;
  /** Loaded and unloaded by who asks. */
  readonly control: boolean;
  readonly lockFile: string;
  /** Where their files are, or go; undefined: as the environment says. */
  readonly cacheDir: string | undefined;
}

export type ToServing =
  | { readonly kind: 'serve'; readonly spec: ServeSpec }
  | { readonly kind: 'ping' }
  /** With its socket, which the supervisor keeps open too. */
  | { readonly kind: 'connection'; readonly id: number };

/** A connection of which the kernel has a part of an answer, has all that was answered, or that is over. */
export type ConnectionState = 'partly answered' | 'answered' | 'closed';

export type FromServing =
  | { readonly kind: 'listening' | 'ready'; readonly grpcPort: number | undefined }
  | { readonly kind: 'connection'; readonly id: number; readonly state: ConnectionState }
  /** It could not start, or it must end: why. */
  | { readonly kind: 'failed'; readonly error: PackedError }
  | { readonly kind: 'pong' };
