// Which functions a project has: the folders under functions/ that hold a function.ts.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './project.ts';

export interface FunctionSource {
  /** Name of its folder. */
  readonly name: string;
  /** Path of its function.ts. */
  readonly entry: string;
}

/** In the order of their names, so that two machines make the same template. None when there is no functions/. */
export function findFunctions(root: string = projectRoot()): FunctionSource[] {
  const folder = join(root, 'functions');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, entry: join(folder, name, 'function.ts') }))
    .filter(({ entry }) => existsSync(entry));
}
