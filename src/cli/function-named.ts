// A function of this app by its name, or the names that there are.
import { type FunctionSource, findFunctions } from '../build/find-functions.ts';
import { GlowplugError } from '../core/errors.ts';

/** @throws GlowplugError NOT_FOUND */
export function functionNamed(root: string, name: string): FunctionSource {
  const functions = findFunctions(root);
  const found = functions.find((one) => one.name === name);
  if (found) return found;
  const known = functions.map((one) => one.name).join(', ');
  throw new GlowplugError('NOT_FOUND', `expected one of the functions ${known || '(there are none)'}; got ${name}`, {
    remedy: 'Name a folder of functions/ that holds a function.ts.',
  });
}
