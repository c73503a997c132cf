// The functions that run now. A new template is applied as CloudFormation would: what did not change is not touched.
import { GlowplugError } from '../core/errors.ts';
import { CloudFunction } from './cloud-function.ts';
import type { Fleet } from './runtime/fleet.ts';
import type { CloudIdentity } from './runtime/function-spec.ts';
import type { CloudTemplate } from './template/template.ts';

export class Deployment implements AsyncDisposable {
  readonly #fleet: Fleet;
  readonly #where: CloudIdentity;
  readonly #now: () => Date;
  readonly #functions = new Map<string, CloudFunction>();
  #skipped: CloudTemplate['skipped'] = [];
  /** The next function URL's; 0 takes any free one. */
  #port: number;

  constructor(fleet: Fleet, where: CloudIdentity, firstPort: number, now: () => Date) {
    this.#fleet = fleet;
    this.#where = where;
    this.#now = now;
    this.#port = firstPort;
  }

  get names(): string[] {
    return [...this.#functions.keys()].sort();
  }

  function(name: string): CloudFunction {
    const found = this.#functions.get(name);
    if (found) return found;
    const skipped = this.#skipped.find((each) => each.name === name);
    throw new GlowplugError(
      'CONFIG_INVALID',
      skipped
        ? `function ${name} does not run in the local cloud: ${skipped.reason}`
        : `expected one of the functions ${this.names.join(', ') || '(the template has none)'}, got ${name}`,
      { remedy: 'Write the name of a folder under functions/ that the CDK app deploys.' },
    );
  }

  /** By its name here or by AWS's name for it, as the Invoke API wants it. */
  find(name: string): CloudFunction | undefined {
    return [...this.#functions.values()].find(({ spec }) => spec.name === name || spec.functionName === name);
  }

  /** Names of the functions that are new, changed or gone. What old versions still run goes on meanwhile. */
  async apply({ functions, skipped }: CloudTemplate): Promise<string[]> {
    this.#skipped = skipped;
    const changed: string[] = [];
    for (const [name, running] of this.#functions) {
      if (functions.some((spec) => spec.name === name)) continue;
      this.#functions.delete(name);
      changed.push(name);
      await running[Symbol.asyncDispose]();
    }
    for (const spec of functions) {
      const running = this.#functions.get(spec.name);
      if (running && same(running.spec, spec)) continue;
      changed.push(spec.name);
      if (running && same(running.spec.url, spec.url)) {
        running.replace(spec);
        continue;
      }
      await running?.[Symbol.asyncDispose]();
      const added = new CloudFunction(spec, this.#fleet, this.#where, this.#now);
      await added.open(this.#port);
      if (this.#port > 0 && spec.url) this.#port++;
      this.#functions.set(spec.name, added);
    }
    return changed.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#functions.values()].map((each) => each[Symbol.asyncDispose]()));
    this.#functions.clear();
  }
}

/** A bundle's folder is named by its content, so that equal text is equal code. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
