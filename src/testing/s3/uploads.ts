// Multipart uploads on disk: `uploads/<id>/upload.json`, `<number>.json` (a record a part), and the parts' bytes.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bucket, readIfThere } from './bucket.ts';
import { type Algorithm, type ChecksumType, toAlgorithm } from './checksums.ts';
import { S3Error, systemCode } from './errors.ts';
import { isObject, isSegment, parseJson } from './record.ts';

export interface Upload {
  readonly id: string;
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly initiated: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly algorithm?: Algorithm;
  readonly type?: ChecksumType;
}

export interface Part {
  readonly number: number;
  readonly file: string;
  readonly size: number;
  /** Hex. */
  readonly md5: string;
  /** Base64, in the upload's algorithm or the one that came with the part. */
  readonly checksum?: string;
  readonly algorithm?: Algorithm;
  readonly lastModified: number;
}

export async function startUpload(bucket: Bucket, facts: Omit<Upload, 'id'>): Promise<Upload> {
  const upload = { id: randomUUID(), ...facts };
  const draft = join(bucket.tmp, randomUUID());
  await mkdir(draft);
  await bucket.replace(join(draft, 'upload.json'), upload);
  await rename(draft, uploadPath(bucket, upload.id));
  return upload;
}

/** Throws NoSuchUpload, also when the upload is for another key. */
export async function findUpload(bucket: Bucket, id: string, key: string): Promise<Upload> {
  const upload = /^[0-9a-f-]{36}$/.test(id) ? await readUpload(bucket, id) : undefined;
  if (upload?.key !== key) throw new S3Error('NoSuchUpload', { fields: { UploadId: id.slice(0, 64) } });
  return upload;
}

/** By key, then by age, as S3 lists them. */
export async function allUploads(bucket: Bucket): Promise<Upload[]> {
  const ids = await readdir(join(bucket.folder, 'uploads'));
  const uploads = await Promise.all(ids.map((id) => readUpload(bucket, id)));
  return uploads
    .filter((upload) => upload !== undefined)
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.initiated - b.initiated || (a.id < b.id ? -1 : 1)));
}

export function partPath(bucket: Bucket, id: string, file: string): string {
  return join(uploadPath(bucket, id), file);
}

/** A part uploaded again replaces the one before. */
export async function writePart(bucket: Bucket, upload: Upload, part: Part): Promise<void> {
  await bucket.locks.run(`upload:${upload.id}`, async () => {
    await findUpload(bucket, upload.id, upload.key);
    const path = partPath(bucket, upload.id, `${part.number}.json`);
    const before = parsePart(await readIfThere(path));
    await bucket.replace(path, part);
    if (before) await rm(partPath(bucket, upload.id, before.file), { force: true });
  });
}

/** In the order of their numbers. */
export async function readParts(bucket: Bucket, upload: Upload): Promise<Part[]> {
  const names = await readdir(uploadPath(bucket, upload.id)).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') throw new S3Error('NoSuchUpload');
    throw error;
  });
  const records = names.filter((name) => /^\d+\.json$/.test(name));
  const parts = await Promise.all(
    records.map(async (name) => parsePart(await readIfThere(partPath(bucket, upload.id, name)))),
  );
  return parts.filter((part) => part !== undefined).sort((a, b) => a.number - b.number);
}

/** Moved aside first, so that a kill in the middle leaves a whole upload or none. */
export async function removeUpload(bucket: Bucket, id: string): Promise<void> {
  const grave = join(bucket.tmp, randomUUID());
  await rename(uploadPath(bucket, id), grave);
  await rm(grave, { recursive: true, force: true });
}

function uploadPath(bucket: Bucket, id: string): string {
  return join(bucket.folder, 'uploads', id);
}

async function readUpload(bucket: Bucket, id: string): Promise<Upload | undefined> {
  const value = parseJson((await readIfThere(partPath(bucket, id, 'upload.json'))) ?? '');
  return isUpload(value) ? value : undefined;
}

function isUpload(value: unknown): value is Upload {
  return (
    isObject(value) &&
    typeof value['id'] === 'string' &&
    typeof value['key'] === 'string' &&
    typeof value['initiated'] === 'number' &&
    isObject(value['headers']) &&
    (value['algorithm'] === undefined || toAlgorithm(String(value['algorithm'])) !== undefined)
  );
}

function parsePart(text: string | undefined): Part | undefined {
  const value = parseJson(text ?? '');
  return isPart(value) ? value : undefined;
}

function isPart(value: unknown): value is Part {
  return isSegment(value) && isObject(value) && typeof value['number'] === 'number' && typeof value['md5'] === 'string';
}
