// The one pair of credentials of a local cloud: made at its first start and kept in its folder, so that commands with
// them in a shell's history go on working, while a web page in the developer's browser cannot know them.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credentials } from '../core/contract.ts';

/** As the AWS CLI and SDKs read it: AWS_SHARED_CREDENTIALS_FILE may name the file. */
const form = /^\[default\]\naws_access_key_id = (\S+)\naws_secret_access_key = (\S+)$/m;

export function localCredentials(folder: string): Credentials {
  const path = join(folder, 'credentials');
  mkdirSync(folder, { recursive: true });
  const kept = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const [, accessKeyId, secretAccessKey] = form.exec(kept) ?? [];
  if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey };
  const made = {
    accessKeyId: `AKIALOCAL${randomBytes(6).toString('hex').toUpperCase().slice(0, 11)}`,
    secretAccessKey: randomBytes(30).toString('base64').replaceAll('/', '0').replaceAll('+', '1'),
  };
  const text = `[default]\naws_access_key_id = ${made.accessKeyId}\naws_secret_access_key = ${made.secretAccessKey}\n`;
  writeFileSync(path, text, { mode: 0o600 });
  return made;
}
