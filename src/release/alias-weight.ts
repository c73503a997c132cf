// A function's alias between two of its versions, by Lambda's routing weights.
import type { Weight } from './rollout.ts';

export interface AliasMove {
  /** Lambda's UpdateAlias: all to `version`, but for `weights` (version → 0 to 1). */
  update(version: string, weights: Readonly<Record<string, number>>): Promise<void>;
  readonly from: string;
  readonly to: string;
}

export function aliasWeight({ update, from, to }: AliasMove): Weight {
  return {
    shift: (percent) => update(from, { [to]: percent / 100 }),
    finish: () => update(to, {}),
    goBack: () => update(from, {}),
  };
}
