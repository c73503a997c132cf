// One bad row fails alone: what fails together is run again in halves, until whoever is at fault stands by itself.

export type Outcome<O> = { readonly ok: true; readonly value: O } | { readonly ok: false; readonly error: unknown };

/**
 * Runs `parts` as one; after a failure each half by itself, in order. Everyone gets an outcome: at most 2n − 1 runs when
 * all n are at fault, 1 + 2·log₂(n) when one is. Whoever no longer waits is left out of what is run again. Never rejects.
 */
export async function runApart<P, O>(
  parts: readonly P[],
  {
    run,
    answer,
    waits,
  }: {
    run(parts: readonly P[]): Promise<readonly O[]>;
    answer(part: P, outcome: Outcome<O>): void;
    waits(part: P): boolean;
  },
): Promise<void> {
  const left = parts.filter(waits);
  if (left.length === 0) return;
  let answers: readonly O[];
  try {
    answers = await run(left);
  } catch (error) {
    if (left.length === 1) return answer(left[0]!, { ok: false, error });
    const half = left.length >> 1;
    await runApart(left.slice(0, half), { run, answer, waits });
    return await runApart(left.slice(half), { run, answer, waits });
  }
  for (const [at, part] of left.entries()) answer(part, { ok: true, value: answers[at]! });
}
