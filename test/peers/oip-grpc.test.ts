// Triton's own Python client against the server's gRPC: every element type, raw and typed, and what is refused.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { echoFunction } from '../protocol/echo.ts';
import { root } from '../root.ts';
import { start } from '../server/start-server.ts';
import { pythonPeer } from './installed.ts';

const peer = await pythonPeer('tritonclient', '2.73.0', { extra: 'grpc' });

if ('missing' in peer) {
  it.skip(`tritonclient.grpc: ${peer.missing}`, () => {});
} else {
  describe('tritonclient.grpc', () => {
    it('is answered as by Triton', { timeout: 120_000 }, async () => {
      const handler = { fetch: echoFunction(), warm: async () => {} };
      const { server } = await start([{ name: 'echo', models: [], handler }], { grpcPort: 0 });
      await server.warm();
      const script = join(root, 'test/peers/oip_grpc_client.py');
      const { stdout } = await promisify(execFile)(peer.path, [script, `127.0.0.1:${server.grpcPort}`]);
      const lines = stdout.trim().split('\n');
      const checks: { check: string; ok: boolean; why?: string }[] = lines.map((line) => JSON.parse(line));
      console.log(`tritonclient.grpc: ${checks.filter(({ ok }) => ok).length} of ${checks.length} checks`);
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(checks.length).toBe(44);
    });
  });
}
