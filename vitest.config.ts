import { defineConfig } from 'vitest/config';

// Against other people's implementations, which take a network and minutes to install, and against AWS: only where asked for by name.
const apart = ['test/peers', 'test/aws'].filter(
  (folder) => !process.argv.some((argument) => argument.includes(folder)),
);
const conditions = ['glowplug-source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...apart.map((folder) => `${folder}/**`), '**/node_modules/**'],
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
