// The local cloud's page as dist has it: its modules are for browsers, so they have a compilation of their own; the rest is copied.
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';

const [from, to] = ['src/testing/page', 'dist/testing/page'];
const options = ['--noEmit', 'false', '--rootDir', 'src', '--outDir', 'dist', '--allowImportingTsExtensions', 'false'];
const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.page.json', ...options];
const { status } = spawnSync(process.execPath, tsc, { stdio: 'inherit' });
for (const name of ['page.html', 'page.css']) cpSync(`${from}/${name}`, `${to}/${name}`);
process.exit(status ?? 1);
