import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { openReader } from '../../src/models/stores/open.ts';
import { openStore } from '../../src/models/stores/open-store.ts';
import { startS3Server } from '../../src/testing/s3/server.ts';
import { storeContract } from './store-contract.ts';
import { temporaryFolder } from './temporary.ts';

const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'not-a-secret' };
const region = 'us-east-1';

storeContract('a folder', async () => {
  const folder = await temporaryFolder();
  const contract = { store: folder.path, region, s3Endpoint: undefined, credentials: undefined };
  return {
    store: await openStore(contract),
    reader: await openReader(contract),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
});

storeContract('S3, under a prefix', async () => {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await temporaryFolder());
  const server = opening.use(await startS3Server({ folder: folder.path, credentials }));
  const client = opening.adopt(
    new S3Client({ endpoint: server.url, region, credentials, forcePathStyle: true }),
    (one) => one.destroy(),
  );
  await client.send(new CreateBucketCommand({ Bucket: 'models' }));
  const contract = { store: 's3://models/some/prefix', region, s3Endpoint: server.url, credentials };
  const [store, reader] = [await openStore(contract), await openReader(contract)];
  const opened = opening.move();
  return { store, reader, [Symbol.asyncDispose]: () => opened.disposeAsync() };
});
