// A small app in a folder of its own: definitions, files and functions as the test writes them.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const repo = resolve(import.meta.dirname, '../..');
export const irisModel = join(repo, 'models/iris/iris.onnx');

export interface TestApp extends AsyncDisposable {
  readonly root: string;
  write(path: string, content: string | Uint8Array): Promise<void>;
}

/** `glowplug` and the packages of this repository can be imported in it. */
export async function testApp(files: Readonly<Record<string, string | Uint8Array>>): Promise<TestApp> {
  const root = await mkdtemp(join(tmpdir(), 'glowplug-app-'));
  const write = async (path: string, content: string | Uint8Array) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };
  await write('package.json', '{ "name": "app", "type": "module" }');
  for (const [path, content] of Object.entries(files)) await write(path, content);
  await mkdir(join(root, 'node_modules'));
  await symlink(repo, join(root, 'node_modules/glowplug'));
  return { root, write, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

/** The text of `models/<name>.ts`; its model is beside it. */
export function definition(name: string, version = '1.0.0', extra = ''): string {
  return `import { defineModel, fromPath } from 'glowplug/release';
export default defineModel({
  name: '${name}', version: '${version}', license: 'MIT',
  files: { 'model.onnx': fromPath('models/${name}.onnx')${extra} },
});`;
}

export function functionUsing(models: string): string {
  return `import { inference, json } from 'glowplug';\nexport const handler = inference({ models: ${models} });`;
}
