// A process of fetch-model.test.ts: it fetches, makes room as if everything were old, and hashes whatever has a name in the cache.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeRoom } from '../../src/models/cache.ts';
import { fetchModel } from '../../src/models/fetch-model.ts';
import { Sending } from '../../src/models/sending.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { type LockedVersion, weightsFile } from '../../src/models/version.ts';

const [store, cacheDir, locked, rounds]: [string, string, LockedVersion, number] = JSON.parse(process.argv[2] ?? '');
const seen = { whole: 0, others: 0 };
for (let round = 0; round < rounds; round++) {
  await using model = await fetchModel(folderStore(store), locked, { cacheDir, sending: new Sending() });
  lookAround();
  await model.verified;
  check(join(dirname(model.path), weightsFile), locked.files[weightsFile]?.digest);
  check(model.path, locked.files['model.onnx']?.digest);
  seen.whole++;
  lookAround();
  await makeRoom(cacheDir, 1, 0, Date.now() + 3_600_000);
}
console.log(JSON.stringify(seen));

function lookAround(): void {
  const folder = join(cacheDir, 'sha256');
  for (const name of readdirSync(folder)) {
    if (name.startsWith('.')) continue;
    try {
      check(join(folder, name), `sha256:${name}`);
      seen.others++;
    } catch (error) {
      // Another made room between the two.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
}

function check(path: string, digest: string | undefined): void {
  const got = `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
  if (got !== digest) throw new Error(`expected ${path} to be ${digest}, got ${got}`);
}
