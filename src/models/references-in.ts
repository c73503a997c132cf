// The references that a source text or a bundle spells out in its `models: { … }`.

/**
 * The string values of any `models: { … }`, those of the objects inside it too: `rec: 'rec:prod'`, and
 * `rec: { model: 'rec:prod', follow: { every: 60 }, split: { to: 'rec:candidate', … } }`.
 */
export function referencesIn(code: string): string[] {
  const found = new Set<string>();
  for (const { index } of code.matchAll(/\bmodels:\s*\{/g)) {
    const body = block(code, code.indexOf('{', index));
    for (const [, , value = ''] of body.matchAll(/:\s*(["'`])([^"'`]*)\1/g))
      if (reference.test(value)) found.add(value);
  }
  return [...found].sort();
}

/** What may have been meant as one: a wrong one must be refused by name, not overlooked. */
const reference = /^[a-z0-9][a-z0-9._/-]*[:@]/;

/** From the brace at `start` to the one that closes it; braces in strings do not count. */
function block(code: string, start: number): string {
  let depth = 0;
  for (let at = start; at < code.length; at++) {
    const character = code[at]!;
    if (character === '{') depth++;
    if (character === '}' && --depth === 0) return code.slice(start, at + 1);
    if (character === '"' || character === "'" || character === '`') at = endOfString(code, at);
  }
  return code.slice(start);
}

function endOfString(code: string, start: number): number {
  for (let at = start + 1; at < code.length; at++) {
    if (code[at] === '\\') at++;
    else if (code[at] === code[start]) return at;
  }
  return code.length;
}
