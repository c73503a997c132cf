// One function of the cloud made ready for a debugger: where it listens, no time limit, never frozen, and its bundle run
// where the map leads to the developer's own files.
import { join } from 'node:path';
import { codeDigest } from '../build/code-files.ts';
import { buildFolder } from '../build/project.ts';
import { GlowplugError } from '../core/errors.ts';
import type { FunctionSpec } from './runtime/function-spec.ts';

export interface Inspect {
  /** Its name, as the cloud has it. */
  readonly function: string;
  /** Where a debugger attaches, on 127.0.0.1. @default 9229; 0: a free one, which its log tells */
  readonly port?: number;
}

/** Who reads a variable is in no hurry: Lambda's longest. */
const timeoutMs = 15 * 60_000;

/** @throws GlowplugError CONFIG_INVALID when there is no such function */
export function debugged(
  functions: readonly FunctionSpec[],
  root: string,
  { function: name, port = 9229 }: Inspect,
): FunctionSpec[] {
  if (!functions.some((spec) => spec.name === name)) {
    const names = functions.map((spec) => spec.name).join(', ');
    throw new GlowplugError('CONFIG_INVALID', `expected one of the functions ${names} to inspect, got ${name}`, {
      remedy: 'Write the name of a folder under functions/.',
    });
  }
  return functions.map((spec) =>
    spec.name === name
      ? { ...spec, timeoutMs, codeFolder: inProject(spec, root), debug: { port, bundle: spec.codeFolder } }
      : spec,
  );
}

/**
 * A map's paths are relative to the folder where the bundle was made: there the same bytes lead to the sources. What the function
 * finds in the project's node_modules it may lack on Lambda; without --inspect it is run where it would not.
 */
function inProject({ name, codeFolder }: FunctionSpec, root: string): string {
  const made = join(root, buildFolder, 'functions', name);
  const code = codeDigest(made);
  return code !== undefined && code === codeDigest(codeFolder) ? made : codeFolder;
}
