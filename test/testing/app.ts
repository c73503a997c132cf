// The smallest app that the local cloud runs: its "synth" is a script that writes the template of one bucket and the
// functions under code/, without CDK, in a few milliseconds.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestApp extends Disposable {
  readonly root: string;
  /** Adds or changes a function; `properties` are the template's, `url` its auth type or the properties of its URL. */
  write(name: string, source: string, properties?: Record<string, unknown>): void;
  remove(name: string): void;
  /** Adds other resources to the template. */
  resources(resources: Record<string, unknown>): void;
  /** What the synth script does before anything else. */
  sabotage(statement: string): void;
}

const script = `
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
const out = process.env.CDK_OUTDIR;
mkdirSync(out, { recursive: true });
const write = (name, value) => writeFileSync(join(out, name), JSON.stringify(value));
const files = {};
const Resources = { Models: { Type: 'AWS::S3::Bucket', Properties: { VersioningConfiguration: { Status: 'Enabled' } } } };
for (const name of readdirSync('code')) {
  const { source, properties } = JSON.parse(readFileSync(join('code', name), 'utf8'));
  const hash = createHash('sha256').update(source).digest('hex');
  mkdirSync(join(out, 'asset.' + hash), { recursive: true });
  writeFileSync(join(out, 'asset.' + hash, 'index.mjs'), source);
  files[hash] = { source: { path: 'asset.' + hash }, destinations: { here: { objectKey: hash + '.zip' } } };
  const { url = 'AWS_IAM', ...rest } = properties;
  Resources[name] = {
    Type: 'AWS::Lambda::Function',
    Metadata: { 'glowplug:function': name },
    Properties: {
      Code: { S3Key: hash + '.zip' }, Handler: 'index.handler', Runtime: 'nodejs24.x', MemorySize: 256, Timeout: 10,
      Environment: { Variables: { GLOWPLUG_STORE: { 'Fn::Join': ['', ['s3://', { Ref: 'Models' }]] }, CONTEXT: process.env.CDK_CONTEXT_JSON } },
      ...rest,
    },
  };
  if (url) Resources[name + 'Url'] = {
    Type: 'AWS::Lambda::Url',
    Properties: { ...(typeof url === 'string' ? { AuthType: url } : url), TargetFunctionArn: { 'Fn::GetAtt': [name, 'Arn'] } },
  };
}
if (existsSync('resources.json')) Object.assign(Resources, JSON.parse(readFileSync('resources.json', 'utf8')));
write('a.assets.json', { files });
write('a.template.json', { Resources });
write('manifest.json', { artifacts: {
  assets: { type: 'cdk:asset-manifest', properties: { file: 'a.assets.json' } },
  a: { type: 'aws:cloudformation:stack', properties: { templateFile: 'a.template.json' } },
} });
`;

export function testApp(functions: Record<string, string>): TestApp {
  const root = mkdtempSync(join(tmpdir(), 'glowplug-test-app-'));
  mkdirSync(join(root, 'code'));
  const writeScript = (first: string) => writeFileSync(join(root, 'synth.mjs'), `${first}\n${script}`);
  writeScript('');
  writeFileSync(join(root, 'package.json'), '{}');
  const settings = { app: `"${process.execPath}" synth.mjs`, context: { color: 'red' } };
  writeFileSync(join(root, 'cdk.json'), JSON.stringify(settings));
  const app: TestApp = {
    root,
    write: (name, source, properties = {}) =>
      writeFileSync(join(root, 'code', name), JSON.stringify({ source, properties })),
    remove: (name) => rmSync(join(root, 'code', name)),
    resources: (resources) => writeFileSync(join(root, 'resources.json'), JSON.stringify(resources)),
    sabotage: writeScript,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
  for (const [name, source] of Object.entries(functions)) app.write(name, source);
  return app;
}
