// A function of iris with its model in a store, in a folder where a peer's packages are found, run in the local Lambda.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import iris from '../../models/iris.ts';
import { bundleFunction } from '../../src/build/bundle-function.ts';
import { serializeLock } from '../../src/models/lock.ts';
import { publish } from '../../src/models/publish.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { buildVersion } from '../../src/release/build-version.ts';
import { root } from '../root.ts';
import type { Harness, TestFunction } from '../testing/runtime/harness.ts';

export interface IrisApp {
  readonly folder: string;
  start(cloud: Harness, environment?: Readonly<Record<string, string>>, handler?: string): TestFunction;
}

/** `source`: of functions/flowers/function.ts. */
export async function irisApp(peer: string, source: string): Promise<IrisApp> {
  const folder = join(peer, 'app');
  mkdirSync(join(folder, 'functions/flowers'), { recursive: true });
  writeFileSync(join(folder, 'functions/flowers/function.ts'), source);
  // By this name the sources are bundled, not what was built of them last.
  writeFileSync(join(folder, 'package.json'), '{"name":"glowplug","type":"module"}');
  const self = join(peer, 'node_modules/glowplug');
  if (!existsSync(self)) symlinkSync(root, self);
  const store = join(folder, 'store');
  const built = await buildVersion(iris, root);
  await publish(folderStore(store), built);
  const lock = { lockVersion: 1 as const, models: { 'iris:prod': built.locked } };
  writeFileSync(join(folder, 'models.lock.json'), serializeLock(lock));
  const { path: codeFolder } = bundleFunction({ entry: 'functions/flowers/function.ts', root: folder });
  return {
    folder,
    start: (cloud, environment = {}, handler = 'index.handler') =>
      cloud.add(
        {},
        {
          codeFolder,
          handler,
          memoryMb: 1024,
          environment: { NODE_PATH: join(root, 'node_modules'), GLOWPLUG_STORE: store, ...environment },
        },
      ),
  };
}

/** The block of guide 10 that is run against `name`. */
export function guideBlock(name: string): string {
  const page = readFileSync(join(root, 'docs/guide/10-operate.md'), 'utf8');
  const [, code] = new RegExp(`\`\`\`ts peer=${name}\\n([\\s\\S]*?)\`\`\``).exec(page) ?? [];
  if (code === undefined) throw new Error(`expected a block peer=${name} in guide 10`);
  return code;
}
