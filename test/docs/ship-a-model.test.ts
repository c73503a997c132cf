// The guide page "Ship a model": its files are written, its commands run against S3, and they print what the page says.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { generateKey } from '../../src/models/signer.ts';
import { parseTrustedKeys } from '../../src/models/trusted-keys.ts';
import { startS3Server } from '../../src/testing/s3/server.ts';
import { runCommand } from '../cli/run-command.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { functionUsing, irisModel, testApp } from '../release/app.ts';
import { root } from '../root.ts';

const page = readFileSync(join(root, 'docs/guide/2-ship-a-model.md'), 'utf8');
const blocks = [...page.matchAll(/```(sh|text|ts file=(\S+))\n([\s\S]*?)```/g)].map(
  ([, kind = '', file, text = '']) => ({ kind, file, text }),
);

describe('docs/guide/2-ship-a-model.md', () => {
  const opened = new AsyncDisposableStack();
  let app: Awaited<ReturnType<typeof testApp>>;
  const before = { cwd: process.cwd(), env: { ...process.env } };

  beforeAll(async () => {
    app = opened.use(
      await testApp({
        'models/garden.onnx': await readFile(irisModel),
        'models/labels.txt': 'setosa\nversicolor\nvirginica\n',
        'models/labels-latin.txt': 'I. setosa\nI. versicolor\nI. virginica\n',
        'functions/garden/function.ts': functionUsing(`{ garden: 'garden:prod' }`),
      }),
    );
    const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'not-a-secret' };
    const folder = opened.use(await temporaryFolder());
    const s3 = opened.use(await startS3Server({ folder: folder.path, credentials }));
    const region = 'us-east-1';
    const client = new S3Client({ endpoint: s3.url, region, credentials, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: 'my-models' }));
    client.destroy();
    Object.assign(process.env, {
      AWS_REGION: region,
      AWS_ENDPOINT_URL_S3: s3.url,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    });
    process.chdir(app.root);
  });
  afterAll(async () => {
    process.chdir(before.cwd);
    process.env = before.env;
    await opened.disposeAsync();
  });

  it('prints what it says it prints, command after command', async () => {
    let printed = '';
    let commands = 0;
    for (const { kind, file, text } of blocks) {
      if (file) await app.write(file, text);
      else if (kind === 'text') expect(printed).toMatch(pattern(text));
      else {
        printed = '';
        for (const line of text.trim().split('\n')) {
          printed += await run(line);
          commands++;
        }
      }
    }
    console.log(`commands of the guide run: ${commands}`);
    expect(commands).toBeGreaterThan(12);
  }, 60_000);
});

it('shows a models.keys.json that can be read', () => {
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
  const { x } = generateKey('ci-2026');
  expect(parseTrustedKeys(json.replace('…', x))).toMatchObject({ floors: { garden: '1.0.0' } });
});

/** `…` stands for any text of a line: digests, times. Spaces are as many as a column needs. */
function pattern(text: string): RegExp {
  const escaped = text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&').replaceAll('…', '.*?');
  return new RegExp(`^${escaped}$`);
}

async function run(line: string): Promise<string> {
  const [, name, value] = /^export (\w+)=(\S+)$/.exec(line) ?? [];
  if (name) {
    process.env[name] = value;
    return '';
  }
  expect(line).toMatch(/^npx glowplug /);
  const words = [...line.replace('npx glowplug ', '').matchAll(/"([^"]*)"|(\S+)/g)];
  const args = words.map(([, quoted, plain = '']) => quoted ?? plain);
  const { exitCode, stdout, stderr } = await runCommand(buildProgram(), ...args);
  expect({ line, exitCode, stderr: stderr.includes('✗') ? stderr : '' }).toEqual({ line, exitCode: 0, stderr: '' });
  return stdout;
}
