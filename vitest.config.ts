import { defineConfig } from 'vitest/config';

// Against other people's implementations, which take a network and minutes to install: only where asked for by name.
const peers = process.argv.some((argument) => argument.includes('test/peers'));
const conditions = ['glowplug-source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...(peers ? [] : ['test/peers/**']), '**/node_modules/**'],
    globalSetup: ['test/global-setup.ts'],
    reporters: ['default', './test/closing-line.ts'],
    pool: 'forks',
    execArgv: ['--conditions=glowplug-source', '--disable-warning=ExperimentalWarning'],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
});
