// What a bundle does first, while the function's own code is not loaded yet: it asks for the bytes of its models, which travel
// meanwhile. Whoever opens them takes what was asked for, and asks for what was not.
import { existsSync } from 'node:fs';
import { readContract } from '../core/contract.ts';
import { blobKey } from '../models/blob-key.ts';
import { cachePath } from '../models/cache.ts';
import { parseChunks, rangesOf, wholeFile } from '../models/chunks.ts';
import { readLock } from '../models/read-lock.ts';
import { startForm } from '../models/start-form.ts';
import { askAhead } from '../models/stores/range-request.ts';
import { objectUrl, parseS3Url } from '../models/stores/s3-location.ts';
import { dayOf, signingKey, signS3 } from '../models/stores/sign-s3.ts';
import { cpuFeatures } from '../session/cpu-features.ts';

/** Until when the process booted: milliseconds since it began. */
export const bundleBegan = performance.now();

/** When models were asked for: milliseconds since the process began; undefined while none was. */
let asked: number | undefined;
export const askedAt = () => asked;

/** A store that nobody can connect to must not use up the init. */
const mostMs = 100;

/**
 * Of the lock slice beside the bundle. Resolves when the requests are with the network, which is when the process may block.
 * Never rejects: who opens the models asks again, and says what is wrong.
 */
export async function askForModels(): Promise<void> {
  try {
    const waited = new Promise<void>((resolve) => setTimeout(resolve, mostMs).unref());
    const sent = requests();
    if (sent.length > 0) asked = performance.now();
    await Promise.race([Promise.all(sent), waited]);
  } catch {
    // Said by who needs the models.
  }
}

function requests(): Promise<void>[] {
  const { store, region, s3Endpoint: endpoint, credentials, credentialSource, ...contract } = readContract();
  const { onLambda, workers, modelsDir, cacheDir, lockFile } = contract;
  const place = parseS3Url(store);
  // What lies on a disk is not asked for; who must ask for credentials first wins nothing; threads have the models' own form.
  const isQuick = onLambda && place && credentials && !credentialSource && modelsDir === undefined && !workers;
  if (!isQuick) return [];
  const now = new Date();
  const signer = { region, credentials };
  const key = signingKey(signer, dayOf(now));
  const sent: Promise<void>[] = [];
  for (const locked of Object.values(readLock(lockFile).models)) {
    for (const { digest, size, chunks } of Object.values(startForm(locked, cpuFeatures).files)) {
      if (size === 0 || existsSync(cachePath(cacheDir, digest))) continue;
      const url = new URL(objectUrl({ ...place, region, endpoint }, blobKey(locked.model, digest)));
      const parts = chunks === undefined ? undefined : parseChunks(chunks, size);
      for (const range of rangesOf(parts ?? wholeFile(digest, size), size)) {
        const headers = { range: `bytes=${range[0]}-${range[1]}` };
        sent.push(askAhead(url, range, signS3({ method: 'GET', url, headers }, signer, now, key)));
      }
    }
  }
  return sent;
}
