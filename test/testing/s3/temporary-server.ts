// A local S3 server in a folder of its own, both gone when the test ends.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startS3Server } from '../../../src/testing/s3/server.ts';
import type { Endpoint } from './contract/endpoint.ts';

export const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'not-a-secret' };

export async function temporaryServer(): Promise<Endpoint & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-s3-'));
  const server = await startS3Server({ folder, credentials });
  return {
    url: server.url,
    region: 'us-east-1',
    credentials,
    folder,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
