// Writes captured records: an object each, created once, over the small signed client or into a folder. It reads nothing.
import type { Contract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { containerCredentials } from '../models/stores/container-credentials.ts';
import { folderStore } from '../models/stores/folder.ts';
import { objectUrl, parseS3Url, storeName } from '../models/stores/s3-location.ts';
import { httpSend, type Send, signer } from './send.ts';

type Needs = Pick<Contract, 'region' | 's3Endpoint' | 'credentials' | 'credentialSource'>;

/** @throws GlowplugError CONFIG_INVALID; what it returns throws that, and STORE_UNAVAILABLE */
export function captureWriter(
  place: string,
  { region, s3Endpoint: endpoint, credentials, credentialSource }: Needs,
  send: Send = httpSend(),
): (key: string, record: unknown) => Promise<void> {
  const bucket = parseS3Url(place, 'GLOWPLUG_CAPTURE');
  if (!bucket) {
    const folder = folderStore(place);
    return async (key, record) => {
      await folder.put(key, bytesOf(record), { ifNoneMatch: '*' }).catch(unlessThere);
    };
  }
  const location = { ...bucket, region, endpoint };
  const held = credentialSource ? containerCredentials(credentialSource) : async () => credentials;
  return async (key, record) => {
    const found = await held();
    if (!found) throw new GlowplugError('CONFIG_INVALID', 'expected AWS credentials to capture with, found none');
    const url = new URL(objectUrl(location, key));
    const headers = { 'if-none-match': '*', 'content-type': 'application/json' };
    const body = bytesOf(record);
    let answer = '';
    // An environment may have been frozen meanwhile: what was under way is signed and sent anew.
    for (let attempt = 1; attempt <= attempts; attempt++) {
      try {
        const { status } = await send(signer(found, region, () => new Date())({ method: 'PUT', url, headers, body }));
        // 412: an earlier attempt arrived after all.
        if (status === 200 || status === 412) return;
        answer = `it answered ${status}`;
        if (status === 404) break;
      } catch (error) {
        answer = String(error);
      }
    }
    throw new GlowplugError('STORE_UNAVAILABLE', `expected ${storeName(location)} to take ${key}; ${answer}`);
  };
}

const attempts = 3;

function bytesOf(record: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(`${JSON.stringify(record)}\n`));
}

function unlessThere(error: unknown): void {
  if (!(error instanceof GlowplugError && error.code === 'STORE_CONFLICT')) throw error;
}
