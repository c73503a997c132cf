// models.d.ts: what TypeScript learns of each locked model, so that a wrong input name is a compile error.
import type { TensorSpec } from '../core/signature.ts';
import type { Lock } from './version.ts';

/** The text of models.d.ts. Its import makes the declaration add to the module instead of replacing it. */
export function lockTypes(lock: Lock): string {
  const models = Object.entries(lock.models)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([reference, { signature }]) =>
        `    ${quote(reference)}: {\n      inputs: ${members(signature.inputs)};\n      outputs: ${members(signature.outputs)};\n    };\n`,
    );
  return `// Written by \`glowplug lock\` from models.lock.json: what goes into each model and what comes out.
import 'glowplug';

declare module 'glowplug' {
  interface ModelRegistry {
${models.join('')}  }
}
`;
}

function members(specs: Readonly<Record<string, TensorSpec>>): string {
  const parts = Object.entries(specs).map(([name, { datatype }]) => `${property(name)}: ${quote(datatype)}`);
  return parts.length > 0 ? `{ ${parts.join('; ')} }` : '{}';
}

/** The name of a property, quoted where it must be. */
export function property(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name);
}

/** JSON's escapes are TypeScript's, within single quotes. */
export function quote(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}
