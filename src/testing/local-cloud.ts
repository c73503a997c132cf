// What whoever starts a local cloud says, and what they have of it.
import type { Credentials } from '../core/contract.ts';
import type { ColdStartOptions, ColdStartReport } from './cold-start.ts';
import type { Inspect } from './debugged.ts';
import type { Faults } from './faults.ts';

export interface LocalCloudOptions {
  /** The app: the folder of cdk.json. @default the nearest folder with a package.json, from the working folder up */
  readonly root?: string;
  /** Port of the AWS APIs; the functions' URLs take the ports after it, by name. @default 0: free ports */
  readonly port?: number;
  /** Publish the app's models into its store. @default whether the app has a folder models/ */
  readonly publish?: boolean;
  /** Where buckets and credentials persist. @default a temporary folder that goes with the cloud */
  readonly folder?: string;
  /** A function that a debugger may attach to: one environment, no time limit, never frozen. @default none */
  readonly inspect?: Inspect;
  /** What it does meanwhile, in a sentence. */
  readonly onProgress?: (message: string) => void;
  /** Each line of each function's log. */
  readonly log?: (functionName: string, line: string) => void;
}

export interface LocalCloudFunction {
  readonly name: string;
  /** Its function URL; empty where the template has none. */
  readonly url: string;
  /** What the template gives it, such as where it writes its results: GLOWPLUG_RESULTS. */
  readonly environment: Readonly<Record<string, string>>;
  fetch(path?: string, init?: RequestInit): Promise<Response>;
  invoke(payload: unknown): Promise<unknown>;
  logs(): string;
  /** Kills its environments, whatever they do: how many there were. The next invocation finds new ones. */
  kill(): Promise<number>;
}

export interface LocalCloud extends AsyncDisposable {
  readonly functions: readonly string[];
  /** @throws GlowplugError CONFIG_INVALID when there is none of that name */
  function(name: string): LocalCloudFunction;
  /** For a browser: try the functions, watch their invocations, see the models. */
  readonly page: string;
  /** Lambda's Invoke API, for the AWS SDK. */
  readonly endpoint: string;
  readonly s3Endpoint: string;
  readonly credentials: Credentials;
  readonly region: string;
  /** The template's buckets. */
  readonly stores: readonly string[];
  /** For tests of what a function does when something else fails. */
  readonly faults: Faults;
  /** The template's queues: logical ids, and URLs for the AWS SDK, whose endpoint is `endpoint`. */
  readonly queues: readonly { readonly id: string; readonly url: string }[];
  /** The template's HTTP APIs: logical ids, and where they answer here, without a slash at the end. */
  readonly httpApis: readonly { readonly id: string; readonly url: string }[];
  /** The template's load balancers that have functions behind them, likewise. */
  readonly loadBalancers: readonly { readonly id: string; readonly url: string }[];
  /** The template's secrets: logical ids, and what they hold now. */
  readonly secrets: readonly { readonly id: string; readonly value: string }[];
  /**
   * Starts new environments of the function and sends each its first request. The warm ones stay as they are.
   *
   * @example
   * const start = await cloud.coldStart('ocr');
   * expect(start.over({ total: 1.5, import: 0.3, fetch: 4 })).toEqual([]);
   */
  coldStart(name: string, options?: ColdStartOptions): Promise<ColdStartReport>;
  /** Synthesises again; names of the functions that are new, changed or gone. The old version stays when that fails. */
  reload(): Promise<string[]>;
}
