// Which e-mails say the same: a mailing that was sent a hundred times would be learnt from in one copy and "recognised" in another.

/** Part of the words of both that two of the same kind share (Jaccard). */
export const SAME = 0.6;

/**
 * For each set of words the index of the first that says the same: its own where no earlier one does. Every pair is found: two sets
 * that share so much share one of their rarest words (prefix filtering, Chaudhuri et al. 2006), so only those are compared.
 */
export function nearDuplicates(sets: readonly ReadonlySet<string>[]): number[] {
  const first = sets.map((_set, at) => at);
  const seen = new Map<string, number[]>();
  const frequency = count(sets);
  for (const [at, set] of sets.entries()) {
    const rarest = [...set].sort((a, b) => frequency.get(a)! - frequency.get(b)! || (a < b ? -1 : 1));
    const keys = rarest.slice(0, set.size - Math.ceil(SAME * set.size) + 1);
    const candidates = new Set(keys.flatMap((key) => seen.get(key) ?? []));
    const same = [...candidates].sort((a, b) => a - b).find((other) => similarity(set, sets[other]!) >= SAME);
    if (same !== undefined) first[at] = first[same]!;
    for (const key of keys) {
      const list = seen.get(key);
      if (list) list.push(at);
      else seen.set(key, [at]);
    }
  }
  return first;
}

export function similarity(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const [small, large] = one.size < other.size ? [one, other] : [other, one];
  if (small.size < SAME * large.size) return 0;
  let shared = 0;
  for (const word of small) if (large.has(word)) shared++;
  return shared / Math.max(1, one.size + other.size - shared);
}

function count(sets: readonly ReadonlySet<string>[]): Map<string, number> {
  const frequency = new Map<string, number>();
  for (const set of sets) for (const word of set) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  return frequency;
}
