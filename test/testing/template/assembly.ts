// Writes what a CDK app would have synthesised: stacks with their templates, and staged folders.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface StackText {
  readonly Resources?: object;
  readonly Outputs?: object;
  readonly Parameters?: object;
  readonly Conditions?: object;
}

/** Each asset is a folder whose object key is `<name>.zip`. */
export function writeAssembly(folder: string, stacks: Record<string, StackText>, assets: readonly string[] = []): void {
  const write = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value));
  for (const asset of assets) mkdirSync(join(folder, `asset.${asset}`), { recursive: true });
  write('assets.json', {
    files: Object.fromEntries(
      assets.map((asset) => [
        asset,
        { source: { path: `asset.${asset}`, packaging: 'zip' }, destinations: { here: { objectKey: `${asset}.zip` } } },
      ]),
    ),
  });
  const artifacts: Record<string, unknown> = {
    assets: { type: 'cdk:asset-manifest', properties: { file: 'assets.json' } },
  };
  for (const [name, template] of Object.entries(stacks)) {
    write(`${name}.template.json`, template);
    artifacts[name] = { type: 'aws:cloudformation:stack', properties: { templateFile: `${name}.template.json` } };
  }
  write('manifest.json', { artifacts });
}

export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'glowplug-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
