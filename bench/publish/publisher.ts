// Publishes one file, or sends it over one connection, each time when it is told to, and says how long it took and what it held.
import { createReadStream } from 'node:fs';
import { request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashFile } from '../../src/models/hash-file.ts';
import { buildManifest } from '../../src/models/manifest.ts';
import { publish } from '../../src/models/publish.ts';
import { s3Store } from '../../src/models/stores/s3.ts';

const [url = '', path = '', size = '0'] = process.argv.slice(2);
const credentials = { accessKeyId: 'AKIDBENCH', secretAccessKey: 'not-a-secret' };
const location = { bucket: 'models', prefix: '', region: 'us-east-1', endpoint: url };
const store = await s3Store(location, { credentials });
const signature = { inputs: {}, outputs: {} };
await publishAs('warmup', Buffer.from('x'));
globalThis.gc?.();
const baseline = process.memoryUsage().rss;

let runs = 0;
process.on('message', (what) => {
  void (async () => {
    const start = performance.now();
    const cpu = process.cpuUsage();
    let hashed = start;
    if (what === 'publish') {
      const file = await hashFile(path);
      hashed = performance.now();
      await publishAs(`model-${runs++}`, file);
    } else {
      await oneConnection();
    }
    const ms = performance.now() - start;
    const peak = process.resourceUsage().maxRSS * 1024;
    const { user, system } = process.cpuUsage(cpu);
    process.send?.({
      ms,
      cpuMs: (user + system) / 1000,
      hashMs: hashed - start,
      overBaseline: (peak - baseline) / 1e6,
    });
  })();
});
process.send?.('ready');
process.on('disconnect', () => process.exit());

async function publishAs(model: string, weights: Parameters<typeof buildManifest>[0]['files'][string]): Promise<void> {
  const files = { 'model.onnx': Buffer.from('graph'), 'weights.bin': weights };
  await publish(store, buildManifest({ model, version: '1.0.0', license: 'MIT', files, signature }));
}

/** As fast as one connection takes it: no checksum, no signature. */
async function oneConnection(): Promise<void> {
  const sent = request(`${url}/models/one`, { method: 'PUT', headers: { 'content-length': size } });
  const answered = new Promise<void>((resolve, reject) => {
    sent.on('response', (response) => response.resume().on('end', resolve));
    sent.on('error', reject);
  });
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), sent);
  await answered;
  await sleep(0);
}
