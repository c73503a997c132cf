// The guide page "Test your functions": its app is written, compiled, and its suites are run as a reader would run them.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import * as testing from '../../src/testing/index.ts';
import { root } from '../root.ts';
import { pageApp } from './page-app.ts';

const [app6, page] = ['6-queues-and-batches.md', '9-test-your-functions.md'].map((name) =>
  readFileSync(join(root, 'docs/guide', name), 'utf8'),
) as [string, string];

it('names all that glowplug/testing exports', () => {
  for (const name of Object.keys(testing)) expect(page).toContain(name);
});

it('compiles, and its suites pass', async () => {
  await using app = await pageApp(`${app6}${page}`, {
    packages: ['@types', 'vitest'],
    files: {
      'tsconfig.json': JSON.stringify({
        extends: join(root, 'tsconfig.json'),
        include: ['functions', 'test', '*.d.ts'],
      }),
      'vitest.config.ts': `const conditions = ['glowplug-source', 'node', 'import', 'default'];
        export default {
          resolve: { conditions },
          ssr: { resolve: { conditions, externalConditions: conditions } },
          test: { execArgv: ['--conditions=glowplug-source'], maxWorkers: 1, testTimeout: 30_000 },
        };`,
    },
  });
  const run = async (...args: string[]) => {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|GLOWPLUG)/.test(name)),
    );
    const ran = promisify(execFile)(process.execPath, args, { cwd: app.root, env: { ...env, NO_COLOR: '1' } });
    return await ran.then(({ stdout }) => stdout).catch((error) => expect.fail(`${error.stdout}\n${error.stderr}`));
  };
  expect(await run(join(root, 'node_modules/typescript/bin/tsc'), '-p', '.')).toBe('');
  const told = await run(join(root, 'node_modules/vitest/vitest.mjs'), 'run');
  expect(told).toMatch(/Test Files +3 passed/);
  expect(told).toMatch(/Tests +9 passed/);
}, 180_000);
