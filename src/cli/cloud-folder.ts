// Where the local cloud of a project is kept: its buckets, its credentials, its logs.
import { join } from 'node:path';

export function cloudFolder(root: string): string {
  return join(root, '.glowplug', 'cloud');
}
