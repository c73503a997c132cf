// Where `glowplug dev` of this project listens, so that commands in another terminal find it: its functions, and what they read and write.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import type { Credentials } from '../testing/curl-line.ts';
import type { LocalCloud } from '../testing/local-cloud.ts';
import { cloudFolder } from './cloud-folder.ts';

export interface RunningCloud {
  readonly pid: number;
  readonly region: string;
  readonly credentials: Credentials;
  /** Function URLs by function. */
  readonly urls: Readonly<Record<string, string>>;
  readonly s3Endpoint: string;
  /** Of each function what the template gives it. */
  readonly environments: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const path = (root: string) => join(cloudFolder(root), 'running.json');

export async function rememberRunningCloud(root: string, cloud: LocalCloud): Promise<void> {
  const running: RunningCloud = {
    pid: process.pid,
    region: cloud.region,
    credentials: cloud.credentials,
    urls: Object.fromEntries(cloud.functions.map((name) => [name, cloud.function(name).url])),
    s3Endpoint: cloud.s3Endpoint,
    environments: Object.fromEntries(cloud.functions.map((name) => [name, cloud.function(name).environment])),
  };
  await writeFile(path(root), JSON.stringify(running), { mode: 0o600 });
}

export async function forgetRunningCloud(root: string): Promise<void> {
  await rm(path(root), { force: true });
}

/** undefined when none runs; a file that a killed one left behind counts as none. */
export async function findRunningCloud(root: string): Promise<RunningCloud | undefined> {
  try {
    const running: RunningCloud = JSON.parse(await readFile(path(root), 'utf8'));
    process.kill(running.pid, 0);
    return running;
  } catch {
    return undefined;
  }
}

/** As `--store` and `--kept` name the cloud that runs here; a folder of that name is `./local`. */
export const local = 'local';

/**
 * A place in the bucket of the cloud that runs here, which `choose` takes from the functions' environments.
 *
 * @throws GlowplugError CONFIG_INVALID where none runs, or none of its functions has it
 */
export async function localPlace(
  root: string,
  option: string,
  choose: (environments: RunningCloud['environments']) => string | undefined,
): Promise<Pick<Contract, 'store' | 'region' | 's3Endpoint' | 'credentials'>> {
  const running = await findRunningCloud(root);
  if (!running) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `${option} local: expected a local cloud that runs in this folder, found none`,
      {
        remedy: 'Run glowplug dev in another terminal, in the same folder; a folder called local is ./local.',
      },
    );
  }
  const { region, s3Endpoint, credentials, environments } = running;
  const store = choose(environments);
  if (store !== undefined) return { store, region, s3Endpoint, credentials };
  throw new GlowplugError('CONFIG_INVALID', `${option} local: the local cloud has no such place`, {
    remedy: 'Give the app what makes one: a ModelStore that its functions read, a QualityMonitor of the function.',
  });
}
