// Which headers of a write are kept, which are refused because they ask for what is not built, and reply overrides.
import { S3Error } from './errors.ts';

type Headers = Readonly<Record<string, string>>;

const kept = ['content-type', 'cache-control', 'content-disposition', 'content-language', 'expires'];

/** What comes back on every read. Throws MetadataTooLarge, NotImplemented. */
export function storedHeaders(headers: Headers): Record<string, string> {
  refuseUnbuilt(headers);
  const stored: Record<string, string> = {};
  let metadata = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('x-amz-meta-')) metadata += name.length - 'x-amz-meta-'.length + value.length;
    else if (!kept.includes(name)) continue;
    stored[name] = value;
  }
  // S3's own limit.
  if (metadata > 2048)
    throw new S3Error('MetadataTooLarge', { fields: { Size: String(metadata), MaxSizeAllowed: '2048' } });
  const encoding = (headers['content-encoding'] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one.toLowerCase() !== 'aws-chunked');
  return encoding.length > 0 ? { ...stored, 'content-encoding': encoding.join(',') } : stored;
}

/** A header that would change what is kept or who may read it must not be taken in silence. */
function refuseUnbuilt(headers: Headers): void {
  const broken = Object.entries(headers).find(([name, value]) => {
    const harmless = unbuilt.find(([pattern]) => pattern.test(name))?.[1];
    return harmless !== undefined && !harmless.includes(value);
  });
  if (broken) {
    throw new S3Error('NotImplemented', {
      message: `the local S3 server does not have ${broken[0].slice(0, 60)}`,
      fields: { Header: broken[0].slice(0, 60) },
    });
  }
}

/** Names, and the values that ask for nothing beyond what happens anyway. */
const unbuilt: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^x-amz-acl$/, ['private', 'bucket-owner-full-control', 'bucket-owner-read']],
  [/^x-amz-grant-/, []],
  [/^x-amz-object-lock-/, []],
  [/^x-amz-server-side-encryption$/, ['AES256']],
  [/^x-amz-server-side-encryption-/, []],
  [/^x-amz-storage-class$/, ['STANDARD']],
  [/^x-amz-tagging$/, ['']],
  [/^x-amz-website-redirect-location$/, []],
  [/^x-amz-write-offset-bytes$/, []],
];

const overrides = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

/** `response-content-type=…` and its like in the query of a read. Throws InvalidArgument. */
export function responseOverrides(query: ReadonlyMap<string, string>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of overrides) {
    const value = query.get(`response-${name}`);
    if (value === undefined) continue;
    // Anything else would end the header, or begin the next one.
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new S3Error('InvalidArgument', { message: `response-${name} holds characters that no header may` });
    }
    found[name] = value;
  }
  return found;
}
