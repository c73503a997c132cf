// What a function says that it takes: its bundle is loaded in a process of its own that is no Lambda environment, so that
// nothing is fetched, and answers with its handler's `input`.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { isRecord } from '../../core/is-record.ts';
import type { CloudIdentity, FunctionSpec } from '../runtime/function-spec.ts';
import { lambdaVariables } from '../runtime/lambda-variables.ts';
import type { PageInput } from './page-data.ts';

/** undefined for a handler that inference() did not make, and for one that does not load: invoking it tells why. */
export async function declaredInput(spec: FunctionSpec, where: CloudIdentity): Promise<PageInput | undefined> {
  const [module = '', ...names] = spec.handler.split('.');
  const file = ['.mjs', '.js', '.cjs'].map((end) => join(spec.codeFolder, `${module}${end}`)).find(existsSync);
  if (!file) return undefined;
  const sandbox = { tmp: tmpdir(), runtimeApi: '', logStream: '' };
  const { LAMBDA_TASK_ROOT: _, ...env } = lambdaVariables(spec, where, sandbox);
  const given = ['--input-type=module', '--eval', script, pathToFileURL(file).href, ...names];
  try {
    const options = { cwd: spec.codeFolder, env, timeout: limitMs, killSignal: 'SIGKILL' } as const;
    const { stdout } = await promisify(execFile)(process.execPath, given, options);
    const told: unknown = JSON.parse(stdout.slice(stdout.lastIndexOf(marker) + marker.length));
    return isInput(told) ? told : undefined;
  } catch {
    return undefined;
  }
}

const limitMs = 10_000;
/** Before it may stand what the module writes. */
const marker = '\ninput: ';
const script = `
const [file, ...names] = process.argv.slice(1);
const module = await import(file);
const { input = null } = names.reduce((value, name) => value?.[name] ?? value?.default?.[name], module) ?? {};
process.stdout.write(${JSON.stringify(marker)} + JSON.stringify(input), () => process.exit());`;

function isInput(value: unknown): value is PageInput {
  return isRecord(value) && isRecord(value['accepts']) && Array.isArray(value['accepts']['contentTypes']);
}
