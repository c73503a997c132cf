// What the classifier sees of a text: which words are in it. Training and answering both read with this file.

/** A sum of money, a percentage, a number, a word, or shouting. */
const token = /[$£€]\s?\d[\d.,]*|\d[\d.,]*\s?%|\d[\d.,]*|\p{L}(?:[\p{L}\p{M}]|['’](?=\p{L}))*|!+/gu;
/** Longer ones are encoded data, not words. */
const LONGEST = 24;

/** Words in capitals from which on a text shouts. */
const SHOUTS = 3;

/**
 * The words of a text, each once, in the order in which they first stand there. Numbers are all the same number, and CAPITALS is a
 * word of its own at the end.
 */
export function words(text: string): string[] {
  const normal = text.normalize('NFKC');
  const found = new Set<string>();
  for (const [match] of normal.toLowerCase().matchAll(token)) found.add(word(match));
  found.delete('');
  const capitals = new Set(normal.match(/\p{Lu}{4,}/gu));
  return capitals.size >= SHOUTS ? [...found, 'CAPITALS'] : [...found];
}

function word(match: string): string {
  const first = match[0]!;
  if (first === '!') return match.length > 1 ? '!!' : '!';
  if ('$£€'.includes(first)) return '$0';
  if (/\d/.test(first)) return match.endsWith('%') ? '0%' : '0';
  const letters = match.replaceAll(/['’]/g, '');
  return letters.length > LONGEST ? '' : letters;
}
