// The versions of one function, each with environments of its own, and the aliases that choose between them. A template
// holds one state of the code: every version runs that, and says its own number.
import { seededRandom } from '../core/seeded-random.ts';
import type { Fleet } from './runtime/fleet.ts';
import type { LocalFunction } from './runtime/local-function.ts';

export interface Qualified {
  readonly version: string;
  readonly target: LocalFunction;
}

export class FunctionVersions {
  readonly #fleet: Fleet;
  readonly #latest: LocalFunction;
  readonly #published = new Map<string, LocalFunction>();
  /** The same choices at every run. */
  readonly #random = seededRandom(1);

  constructor(fleet: Fleet, latest: LocalFunction) {
    this.#fleet = fleet;
    this.#latest = latest;
  }

  /** `$LATEST`, a version's number or an alias; undefined where the template has none of that name. */
  find(qualifier: string): Qualified | undefined {
    const { versions = [], aliases = [] } = this.#latest.spec;
    if (qualifier === '$LATEST') return { version: qualifier, target: this.#latest };
    const alias = aliases.find(({ name }) => name === qualifier);
    const version = alias ? choose(alias.weights, this.#random()) : qualifier;
    if (!alias && !versions.includes(version)) return undefined;
    return { version, target: this.#publishedAs(version) };
  }

  /** How many environments there were, of all versions. */
  async kill(): Promise<number> {
    const killed = await Promise.all([this.#latest, ...this.#published.values()].map((each) => each.kill()));
    return killed.reduce((sum, each) => sum + each, 0);
  }

  /** Lets them finish what they run; who waits goes to the successor's. */
  retire(successor?: FunctionVersions): void {
    void this.#fleet.retire(this.#latest, successor?.find('$LATEST')?.target);
    for (const [version, old] of this.#published) void this.#fleet.retire(old, successor?.find(version)?.target);
  }

  #publishedAs(version: string): LocalFunction {
    const known = this.#published.get(version);
    if (known) return known;
    const { spec, log } = this.#latest;
    const added = this.#fleet.add({ ...spec, version }, log);
    this.#published.set(version, added);
    return added;
  }
}

/** By its share; shares sum up to 1. */
function choose(weights: readonly { readonly version: string; readonly weight: number }[], at: number): string {
  let sum = 0;
  for (const { version, weight } of weights) {
    sum += weight;
    if (at < sum) return version;
  }
  return weights[0]?.version ?? '$LATEST';
}
