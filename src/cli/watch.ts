// Watches what a function is made of, and calls once for a burst of changes; never twice at the same time.
import { existsSync, type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';

const watched = ['functions', 'infra', 'models', 'src', 'models.lock.json', 'cdk.json'];
/** Editors write a file in several steps: one reload for all of them. */
const QUIET_MS = 80;

export function watchSources(root: string, onChange: (changed: string[]) => Promise<void>): AsyncDisposable {
  let changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const flush = () => {
    const files = [...changed];
    changed = new Set();
    running = running.then(() => onChange(files));
  };
  const watchers: FSWatcher[] = watched
    .map((name) => join(root, name))
    .filter(existsSync)
    .map((path) =>
      watch(path, { recursive: true }, (_event, file) => {
        changed.add(file ?? path);
        clearTimeout(timer);
        timer = setTimeout(flush, QUIET_MS);
      }),
    );
  return {
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
      await running;
    },
  };
}
