// A file into S3 by parallel multipart upload, which goes on where another one was cut off, and creates its key once.
import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type {
  CompletedPart,
  ListMultipartUploadsCommand,
  ListMultipartUploadsOutput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { GlowplugError } from '../../core/errors.ts';
import type { LocalFile } from '../version.ts';
import { answerOf } from './s3-failure.ts';
import { type S3Session, within } from './s3-session.ts';
import { base64, changed, type PartBuffers, partBytes, sendParts } from './send-parts.ts';
import type { Store, Unfinished, UploadOptions } from './store.ts';

export function s3Uploads(
  session: S3Session,
  { put, head }: Pick<Store, 'put' | 'head'>,
): Pick<Store, 'upload' | 'unfinished'> {
  const { sdk, client, location, clock, at, keyOf, asking, failed } = session;
  const buffers: PartBuffers = [];
  return { upload, unfinished };

  async function upload(key: string, file: LocalFile, options: UploadOptions = {}): Promise<void> {
    const { signal, onBytes } = options;
    if (file.size <= partBytes(file.size)) {
      const bytes = await readFile(file.path);
      if (crc32(bytes) !== file.crc32) throw changed(file);
      await put(key, bytes, { ifNoneMatch: '*' }, options);
      return onBytes?.(bytes.length);
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return await uploadInParts(key, file, options);
      } catch (error) {
        // Another publisher of the same bytes ended this upload, or the answer to our own end was lost: the key is there.
        const gone = answerOf(error).code === 'NoSuchUpload';
        if (gone && (await head(key, options))) {
          await clearOthers(key, signal);
          throw conflict(key, error);
        }
        if (!gone || attempt === uploads) throw failed(error, key, signal);
      }
    }
  }

  async function uploadInParts(key: string, file: LocalFile, options: UploadOptions): Promise<void> {
    const { signal } = options;
    const before = await begunBefore(key, signal);
    const mine = { ...at(key), UploadId: before ?? (await begin(key, signal)) };
    const there = before === undefined ? new Map<number, SentPart>() : await partsOf(mine, signal);
    const parts = await sendParts(
      file,
      buffers,
      async ({ number, size, crc32: crc }, body, whileAll): Promise<CompletedPart> => {
        const sent = { PartNumber: number, ChecksumCRC32: crc };
        const had = there.get(number);
        if (had?.size === size && had.crc32 === crc) return { ...sent, ETag: had.etag };
        const command = new sdk.UploadPartCommand({ ...mine, ...sent, Body: body });
        unsigned(command);
        const { ETag } = await asking(() => client.send(command, within(whileAll)), whileAll);
        return { ...sent, ETag };
      },
      options,
    );
    const command = new sdk.CompleteMultipartUploadCommand({
      ...mine,
      MultipartUpload: { Parts: parts },
      // S3 joins the parts' and compares: the object has the bytes that were hashed, in their order.
      ChecksumType: 'FULL_OBJECT',
      ChecksumCRC32: base64(file.crc32),
      MpuObjectSize: file.size,
      IfNoneMatch: '*',
    });
    for (let attempt = 1; ; attempt++) {
      try {
        await asking(() => client.send(command, within(signal)), signal);
        return await clearOthers(key, signal);
      } catch (error) {
        const { status, code } = answerOf(error);
        if (status === 409 && attempt < completions) {
          await clock.sleep(attempt * conflictPauseMs, signal);
          continue;
        }
        if (status !== 412 && status !== 409 && code !== 'BadDigest' && code !== 'InvalidPart') throw error;
        await abort(mine).catch(() => {});
        throw status === 412 || status === 409 ? conflict(key, error) : changed(file, error);
      }
    }
  }

  async function begin(key: string, signal: AbortSignal | undefined): Promise<string> {
    const command = new sdk.CreateMultipartUploadCommand({
      ...at(key),
      // Of the whole, which S3 cannot tell of a SHA-256; the one that S3 prefers, CRC-64, is not native in Node.
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'FULL_OBJECT',
    });
    const { UploadId } = await asking(() => client.send(command, within(signal)), signal);
    if (UploadId !== undefined) return UploadId;
    throw new GlowplugError('STORE_UNAVAILABLE', `expected an upload of ${key} to begin, got no id of one`);
  }

  /**
   * The same key means the same bytes in the same parts: whoever comes goes on with what is there, even beside its owner. Who may
   * not list begins anew.
   */
  async function begunBefore(key: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    try {
      for await (const upload of list(key, signal)) {
        const likeOurs = upload.ChecksumAlgorithm === 'CRC32' && upload.ChecksumType === 'FULL_OBJECT';
        if (upload.Key === at(key).Key && likeOurs) return upload.UploadId;
      }
    } catch (error) {
      if (answerOf(error).status !== 403 && answerOf(error).status !== 501) throw error;
    }
    return undefined;
  }

  /** The key is there: an upload whose answer was lost serves nobody, and one that lives would find that it comes too late. */
  async function clearOthers(key: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      for await (const { Key, UploadId } of list(key, signal)) {
        if (Key === at(key).Key && UploadId !== undefined) await abort({ ...at(key), UploadId });
      }
    } catch {
      // What this was for is done; prune and the bucket's lifecycle rule remove what stays.
    }
  }

  async function partsOf(mine: { Bucket: string; Key: string; UploadId: string }, signal: AbortSignal | undefined) {
    const parts = new Map<number, SentPart>();
    let marker: string | undefined;
    do {
      const command = new sdk.ListPartsCommand({ ...mine, ...(marker ? { PartNumberMarker: marker } : {}) });
      const page = await asking(() => client.send(command, within(signal)), signal);
      for (const { PartNumber, Size, ChecksumCRC32, ETag } of page.Parts ?? []) {
        if (PartNumber !== undefined && ETag !== undefined) {
          parts.set(PartNumber, { size: Size ?? 0, crc32: ChecksumCRC32 ?? '', etag: ETag });
        }
      }
      marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (marker);
    return parts;
  }

  async function* unfinished(prefix: string): AsyncGenerator<Unfinished> {
    try {
      for await (const { Key, UploadId, Initiated } of list(prefix)) {
        if (Key === undefined || UploadId === undefined) continue;
        const upload = { Bucket: location.bucket, Key, UploadId };
        yield { key: keyOf(Key), begun: Initiated?.getTime() ?? 0, remove: () => abort(upload) };
      }
    } catch (error) {
      throw failed(error, prefix);
    }
  }

  async function* list(prefix: string, signal?: AbortSignal) {
    const { Bucket, Key: Prefix } = at(prefix);
    let from: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
    while (from) {
      const command: ListMultipartUploadsCommand = new sdk.ListMultipartUploadsCommand({ Bucket, Prefix, ...from });
      const page: ListMultipartUploadsOutput = await asking(() => client.send(command, within(signal)), signal);
      yield* page.Uploads ?? [];
      const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page;
      from =
        IsTruncated && NextKeyMarker !== undefined
          ? { KeyMarker: NextKeyMarker, ...(NextUploadIdMarker ? { UploadIdMarker: NextUploadIdMarker } : {}) }
          : undefined;
    }
  }

  async function abort(upload: { Bucket: string; Key: string; UploadId: string }): Promise<void> {
    try {
      await asking(() => client.send(new sdk.AbortMultipartUploadCommand(upload)));
    } catch (error) {
      if (answerOf(error).code !== 'NoSuchUpload') throw failed(error, keyOf(upload.Key));
    }
  }
}

interface SentPart {
  readonly size: number;
  readonly crc32: string;
  readonly etag: string;
}

/** One that others end under our hands, three times over, is no accident. */
const uploads = 3;
const completions = 5;
const conflictPauseMs = 50;

function conflict(key: string, cause: unknown): GlowplugError {
  return new GlowplugError('STORE_CONFLICT', `expected ${key} to be absent, somebody wrote first`, { cause });
}

/** A part carries its CRC-32 in a signed header: hashing it a second time for the signature says nothing more, and costs a core. */
function unsigned({ middlewareStack }: UploadPartCommand): void {
  middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      if (
        typeof request === 'object' &&
        request !== null &&
        'headers' in request &&
        request.headers instanceof Object
      ) {
        Object.assign(request.headers, { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' });
      }
      return next(args);
    },
    { step: 'build', name: 'glowplugUnsignedPart' },
  );
}
