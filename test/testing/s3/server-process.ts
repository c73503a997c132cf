// A local S3 server in a process of its own, so that a test can kill it. Says its URL, and at its end its peak memory.
import { once } from 'node:events';
import { startS3Server } from '../../../src/testing/s3/server.ts';

const [folder = '', accessKeyId = '', secretAccessKey = ''] = process.argv.slice(2);
const server = await startS3Server({ folder, credentials: { accessKeyId, secretAccessKey } });
process.send?.({ url: server.url });
await once(process, 'message');
await server[Symbol.asyncDispose]();
// KiB.
process.send?.({ peak: process.resourceUsage().maxRSS }, () => process.exit());
