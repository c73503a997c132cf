// The block of guide 10 against Powertools itself: it compiles, answers, and one query finds its lines and ours.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRecord } from '../../src/core/is-record.ts';
import { root } from '../root.ts';
import { harness } from '../testing/runtime/harness.ts';
import { npmPeer } from './installed.ts';
import { guideBlock, irisApp } from './iris-app.ts';

const packages = ['logger', 'metrics', 'tracer'].map((name) => `@aws-lambda-powertools/${name}@2.36.0`);
const peer = await npmPeer('powertools', ...packages);

if ('missing' in peer) {
  it.skip(`Powertools: ${peer.missing}`, () => {});
} else {
  describe('Powertools', () => {
    it('goes around a function, and its lines and ours are found by the same keys', async () => {
      const app = await irisApp(peer.path, guideBlock('powertools'));
      await using cloud = harness();
      const fn = app.start(cloud, { POWERTOOLS_TRACE_ENABLED: 'false' });
      const traceId = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0';
      const { outcome, value } = await fn.call({ lengths: [5.1, 3.5, 1.4, 0.2] }, { traceId });
      expect(value).toEqual({ probabilities: expect.any(Array) });
      const requestId = 'requestId' in outcome ? outcome.requestId : '';
      const lines = () =>
        fn.local.log.text.split('\n').flatMap((line) => {
          const entry: unknown = line.startsWith('{') ? JSON.parse(line) : undefined;
          return isRecord(entry) ? [entry] : [];
        });
      const keys = {
        function_request_id: requestId,
        xray_trace_id: '1-5759e988-bd862e3fe1be46a994272793',
        level: 'INFO',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/),
      };
      const theirs = lines().find(({ message }) => message === 'a flower was asked for');
      const ours = lines().find(({ message }) => message === 'request');
      expect(theirs).toMatchObject({ ...keys, cold_start: true, service: 'flowers', longest: 5.1 });
      expect(ours).toMatchObject({ ...keys, cold_start: true });
      expect(lines().find(({ Flowers }) => Flowers)).toMatchObject({ service: 'flowers', Flowers: 1 });
      console.log(`Powertools' keys: ${Object.keys(theirs ?? {})}; ours: ${Object.keys(ours ?? {})}`);
    }, 60_000);

    it('compiles with its types', async () => {
      const { folder } = await irisApp(peer.path, guideBlock('powertools'));
      const config = { extends: join(root, 'tsconfig.json'), include: ['functions', join(root, 'models.d.ts')] };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
      const tsc = join(root, 'node_modules/typescript/bin/tsc');
      const compiled = () => execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8', stdio: 'pipe' });
      expect(compiled()).toBe('');
    }, 60_000);
  });
}
