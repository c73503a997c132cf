// The models that a request ran, run here under onnxruntime's profiler: in the shapes of its longest runs, on made-up values.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelRun } from '../core/request-record.ts';
import { pull } from '../models/pull.ts';
import { madeUpFeeds } from '../session/made-up-feeds.ts';
import { type ModelProfile, profileModel } from '../session/profile-model.ts';
import { chosenStore, type StoreOption } from './chosen-store.ts';

export interface Profile extends ModelProfile {
  readonly model: string;
  readonly version: string;
  readonly rows: number;
}

/** @throws GlowplugError MODEL_NOT_FOUND where the store lacks the version */
export async function profileRuns(runs: readonly ModelRun[], options: StoreOption): Promise<Profile[]> {
  const store = await chosenStore(options);
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-profile-'));
  try {
    const profiles: Profile[] = [];
    for (const [name, own] of Map.groupBy(runs, ({ model, version }) => `${model}:${version}`)) {
      const {
        model,
        version,
        rows,
        shapes = {},
      } = own.reduce((a, b) => (b.to - b.from - b.queueMs > a.to - a.from - a.queueMs ? b : a));
      const files = join(folder, String(profiles.length), 'files');
      const written = join(folder, String(profiles.length), 'profile');
      await mkdir(files, { recursive: true });
      await mkdir(written);
      const { signature } = await pull(store, name, files);
      const feeds = () =>
        madeUpFeeds(signature, (_, axis, input) => (axis === 0 ? rows : (shapes[input]?.[axis] ?? 1)));
      profiles.push({ model, version, rows, ...(await profileModel(join(files, 'model.onnx'), written, feeds)) });
    }
    return profiles;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
