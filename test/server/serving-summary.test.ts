import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeServing, samplesOf, servingOf } from '../../src/cli/serving-summary.ts';
import { readContract } from '../../src/core/contract.ts';
import { prepare } from '../../src/server/prepare.ts';
import { root } from '../root.ts';

it('shows how to send the request that lies beside a function, and none where none lies', async () => {
  const bundle = await mkdtemp(join(tmpdir(), 'glowplug-summary-'));
  onTestFinished(async () => await rm(bundle, { recursive: true }));
  await writeFile(join(bundle, 'index.js'), '');
  const said = async (target: string) => {
    const prepared = await prepare({ targets: [target], models: [] }, readContract({}), bundle);
    const serving = servingOf(prepared, '127.0.0.1', { port: 8000, grpcPort: undefined, pid: 1 });
    return describeServing(serving, samplesOf(prepared)).join('\n');
  };
  expect(await said(join(root, 'functions/ocr'))).toMatch(
    /curl http:\/\/127\.0\.0\.1:8000\/ --data-binary '@functions\/ocr\/request\.png' -H 'content-type: image\/png'/,
  );
  expect(await said(bundle)).not.toContain('curl');
});
