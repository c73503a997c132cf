// The app that a guide page writes: its files, beside the model that the page has trained, as a reader would have them.
import { copyFileSync, symlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeLock } from '../../src/release/write-lock.ts';
import { definition, irisModel, type TestApp, testApp } from '../release/app.ts';
import { root } from '../root.ts';

const packages = ['aws-cdk-lib', 'constructs', 'valibot', '@aws-sdk', 'onnxruntime-node', 'onnxruntime-common'];

/** Synthesises, and bundles this repository's sources. `more` are packages and files that the page's reader has besides. */
export async function pageApp(
  page: string,
  more: { readonly packages?: readonly string[]; readonly files?: Readonly<Record<string, string>> } = {},
): Promise<TestApp> {
  const app = await testApp({
    'models/tulip.onnx': await readFile(irisModel),
    'models/tulip.ts': definition('tulip'),
    // By this name bundles take glowplug's sources, which nobody has built into dist/ here.
    'package.json': '{ "name": "glowplug", "type": "module" }',
    'cdk.json': JSON.stringify({ app: `"${process.execPath}" --conditions=glowplug-source infra/app.ts` }),
    ...more.files,
  });
  for (const name of [...packages, ...(more.packages ?? [])]) {
    symlinkSync(join(root, 'node_modules', name), join(app.root, 'node_modules', name));
  }
  copyFileSync(join(root, 'package-lock.json'), join(app.root, 'package-lock.json'));
  for (const [, file = '', code = ''] of page.matchAll(/```ts file=(\S+)\n([\s\S]*?)```/g)) await app.write(file, code);
  await writeLock({ root: app.root });
  return app;
}
