// Where `glowplug dev` of this project listens, so that `glowplug invoke` in another terminal finds it.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalCloud } from '../testing/cloud.ts';
import type { Credentials } from '../testing/curl-line.ts';
import { cloudFolder } from './cloud-folder.ts';

export interface RunningCloud {
  readonly pid: number;
  readonly region: string;
  readonly credentials: Credentials;
  /** Function URLs by function. */
  readonly urls: Readonly<Record<string, string>>;
}

const path = (root: string) => join(cloudFolder(root), 'running.json');

export async function rememberRunningCloud(root: string, cloud: LocalCloud): Promise<void> {
  const running: RunningCloud = {
    pid: process.pid,
    region: cloud.region,
    credentials: cloud.credentials,
    urls: Object.fromEntries(cloud.functions.map((name) => [name, cloud.function(name).url])),
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
