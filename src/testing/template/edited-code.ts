// When all that changed since a synth is code inside functions' bundles, those bundles are made again and nothing is synthesised.
// Whatever else changed, or cannot be told, is synthesised.
import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RememberedBundle } from '../../build/bundle-function.ts';
import { codeDigest, codeFiles } from '../../build/code-files.ts';
import type { FunctionSpec } from '../runtime/function-spec.ts';
import type { CloudTemplate } from './template.ts';

/** What the project was at one time. */
interface Look {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Path → what changes with the file's content. */
  readonly files: ReadonlyMap<string, string>;
  readonly environment: string;
}

const code = /\.[cm]?[jt]sx?$/;
const generated: ReadonlySet<string> = new Set(['node_modules', '.git', '.glowplug', 'cdk.out']);
/** Its sources, or what they were compiled to. */
const glowplug = join(import.meta.dirname, '..', '..', sep);
/** In a project with more it takes longer to look than to synthesise. */
const mostFiles = 20_000;

export class EditedCode {
  readonly #root: string;
  #before:
    | { readonly look: Look; readonly modules: ReadonlySet<string>; readonly elsewhere: readonly string[] }
    | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** To be taken before a synth: what is edited while it runs is not in it. */
  look(): Look | undefined {
    const files = new Map<string, string>();
    const walk = (folder: string): boolean =>
      readdirSync(folder, { withFileTypes: true }).every((entry) => {
        if (generated.has(entry.name)) return true;
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return walk(path);
        files.set(path, stateOf(path));
        return files.size <= mostFiles;
      });
    const at = Date.now();
    if (!walk(this.#root)) return undefined;
    // What the app loaded from elsewhere, such as another package of a workspace.
    for (const path of this.#before?.elsewhere ?? []) files.set(path, stateOf(path));
    return { at, files, environment: JSON.stringify(process.env) };
  }

  /** @param modules what the synth wrote: a line for each module that the app was made of */
  synthesised(look: Look | undefined, modules: string): void {
    this.#before = undefined;
    const lines = modules.split('\n').filter((line) => line !== '');
    if (!look || lines.length === 0 || lines.includes('unknown')) return;
    const paths = new Set(lines.map((url) => fileURLToPath(url.split('?')[0] ?? url)));
    const elsewhere = [...paths].filter((path) => !this.#isInside(path));
    const files = new Map(look.files);
    for (const path of elsewhere) {
      // It may have been edited while the synth ran.
      if (!(modifiedAt(path) < look.at)) return;
      files.set(path, stateOf(path));
    }
    this.#before = { look: { ...look, files }, modules: paths, elsewhere };
  }

  /** The template with the edited functions' new code, staged beside the old in `output`; undefined: synthesise. @throws GlowplugError CONFIG_INVALID */
  async apply(template: CloudTemplate, output: string): Promise<CloudTemplate | undefined> {
    const look = this.#before && this.look();
    const changed = look && this.#edited(look);
    if (!this.#before || !look || !changed) return undefined;
    // It loads esbuild, which who never edits does not need.
    const { rememberedBundles } = await import('../../build/bundle-function.ts');
    const bundles = rememberedBundles(this.#root);
    const of = (spec: FunctionSpec) => {
      const digest = codeDigest(spec.codeFolder);
      return bundles.filter(({ code }) => code !== undefined && code === digest);
    };
    // Nobody looks at those files; packages and glowplug's own, which each bundle begins with, are not edited here.
    const far = (path: string) =>
      !this.#isInside(path) && !path.startsWith(glowplug) && !path.split(sep).includes('node_modules');
    if (bundles.some(({ inputs }) => [...inputs].some(far))) return undefined;
    const touched = (bundle: RememberedBundle) => changed.some((path) => bundle.inputs.has(path));
    if (!changed.every((path) => bundles.some(({ inputs }) => inputs.has(path)))) return undefined;
    const remade = new Map<RememberedBundle, string>();
    const functions: FunctionSpec[] = [];
    for (const spec of template.functions) {
      const [bundle, ...twins] = of(spec);
      if (twins.length > 0) return undefined;
      if (!bundle && changed.some((path) => mentions(spec, path))) return undefined;
      if (!bundle || !touched(bundle)) {
        functions.push(spec);
        continue;
      }
      const folder = remade.get(bundle) ?? remake(bundle, output);
      if (folder === undefined) return undefined;
      remade.set(bundle, folder);
      functions.push({ ...spec, codeFolder: folder });
    }
    if (remade.size === 0) return undefined;
    this.#before = { ...this.#before, look };
    return { ...template, functions, assets: new Set([...template.assets, ...remade.values()]) };
  }

  #isInside(path: string): boolean {
    return path.startsWith(`${this.#root}${sep}`);
  }

  /** Undefined when something changed that is not the code of functions alone, or nothing did. */
  #edited({ files, environment }: Look): string[] | undefined {
    const { look, modules } = this.#before!;
    if (environment !== look.environment) return undefined;
    const all = new Set([...files.keys(), ...look.files.keys()]);
    const changed = [...all].filter((path) => files.get(path) !== look.files.get(path));
    const plain = (path: string) => code.test(path) && files.has(path) && look.files.has(path) && !modules.has(path);
    return changed.length > 0 && changed.every(plain) ? changed : undefined;
  }
}

/** The staged folder; undefined when more than its code is another: what it needs is in the template. */
function remake(before: RememberedBundle, output: string): string | undefined {
  const made = before.again();
  const needs = ({ externals, references, lock }: typeof made | RememberedBundle) =>
    JSON.stringify([externals, references, lock]);
  if (needs(made) !== needs(before)) return undefined;
  const folder = join(output, `asset.${made.digest}`);
  if (!existsSync(folder)) {
    const temporary = `${folder}.${process.pid}.tmp`;
    cpSync(made.path, temporary, { recursive: true });
    renameSync(temporary, folder);
  }
  return folder;
}

/** Whether code that was bundled elsewhere may hold the file, by its source map. */
function mentions(spec: FunctionSpec, path: string): boolean {
  return codeFiles.some((file) => {
    try {
      return readFileSync(join(spec.codeFolder, `${file}.map`), 'utf8').includes(basename(path));
    } catch {
      return false;
    }
  });
}

function stateOf(path: string): string {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return found ? `${found.ctimeNs} ${found.size} ${found.ino}` : '';
}

function modifiedAt(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
}
