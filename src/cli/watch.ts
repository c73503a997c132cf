// Watches what a function is made of, and calls once for a burst of changes; never twice at the same time.
import { existsSync, type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join, relative } from 'node:path';

const watched = ['functions', 'infra', 'models', 'src', 'models.lock.json', 'cdk.json'];
/** Editors write a file in several steps: one reload for all of them. */
const QUIET_MS = 80;

export function watchSources(root: string, onChange: (changed: string[]) => Promise<void>): AsyncDisposable {
  let changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const note = (path: string) => {
    changed.add(relative(root, path));
    clearTimeout(timer);
    timer = setTimeout(flush, QUIET_MS);
  };
  let watchers = watchAll(root, note);
  const flush = () => {
    const files = [...changed];
    changed = new Set();
    // New folders are watched, and files that were replaced by another; before the reload, which sees what happens meanwhile.
    for (const watcher of watchers) watcher.close();
    watchers = watchAll(root, note);
    running = running.then(() => onChange(files));
  };
  return {
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
      await running;
    },
  };
}

/** Folder by folder: Node's recursive watch loses a file that an editor or git replaces by another. */
function watchAll(root: string, note: (path: string) => void): FSWatcher[] {
  return watched
    .map((name) => join(root, name))
    .filter(existsSync)
    .flatMap((path) => (statSync(path).isDirectory() ? [path, ...foldersIn(path)] : [path]))
    .map((path) =>
      watch(path, (_event, name) => note(name && name !== path.split('/').at(-1) ? join(path, name) : path)).on(
        'error',
        () => {},
      ),
    );
}

function foldersIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name));
}
