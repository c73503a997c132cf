// KServe's own Python clients against the server: REST with JSON and bytes, and gRPC raw and typed.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { echoFunction } from '../protocol/echo.ts';
import { root } from '../root.ts';
import { start } from '../server/start-server.ts';
import { pythonPeer } from './installed.ts';

const peer = await pythonPeer('kserve', '0.21.0');

if ('missing' in peer) {
  it.skip(`kserve: ${peer.missing}`, () => {});
} else {
  describe('kserve', () => {
    it('is answered as by its own servers', { timeout: 120_000 }, async () => {
      const handler = { fetch: echoFunction(), warm: async () => {} };
      const { server, url } = await start([{ name: 'echo', models: [], handler }], { grpcPort: 0 });
      await server.warm();
      const script = join(root, 'test/peers/kserve_client.py');
      const { stdout } = await promisify(execFile)(peer.path, [script, url, `127.0.0.1:${server.grpcPort}`]);
      const lines = stdout.trim().split('\n');
      const checks: { check: string; ok: boolean; why?: string }[] = lines.map((line) => JSON.parse(line));
      console.log(`kserve: ${checks.filter(({ ok }) => ok).length} of ${checks.length} checks`);
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(checks.length).toBe(107);
    });
  });
}
