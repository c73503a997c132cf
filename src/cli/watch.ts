// Watches what a function is made of, and calls once for a burst of changes; never twice at the same time.
import { join, relative } from 'node:path';
import { watch } from 'chokidar';

const watched = ['functions', 'infra', 'models', 'src', 'models.lock.json', 'cdk.json'];
/** Editors write a file in several steps: one reload for all of them. */
const QUIET_MS = 80;

/** Resolves when it watches: what changes from then on is told. */
export async function watchSources(
  root: string,
  onChange: (changed: string[]) => Promise<void>,
): Promise<AsyncDisposable> {
  let changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const watcher = watch(
    watched.map((name) => join(root, name)),
    { ignoreInitial: true, ignored: (path) => path.includes('node_modules') },
  );
  const flush = () => {
    const files = [...changed];
    changed = new Set();
    running = running.then(() => onChange(files));
  };
  watcher.on('all', (_event, path) => {
    changed.add(relative(root, path));
    clearTimeout(timer);
    timer = setTimeout(flush, QUIET_MS);
  });
  // What cannot be watched, such as a folder that is gone, is as if it did not change.
  watcher.on('error', () => {});
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
  return {
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      await watcher.close();
      await running;
    },
  };
}
