// The pure parts of the local S3 server, each against a model that is too simple to be wrong.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasher, joinChecksums } from '../../../src/testing/s3/checksums.ts';
import { decodeChunked } from '../../../src/testing/s3/chunked.ts';
import { compareUtf8, KeyIndex } from '../../../src/testing/s3/key-index.ts';
import { walk } from '../../../src/testing/s3/walk.ts';
import { parseXml, xml } from '../../../src/testing/s3/xml.ts';
import { signingKey } from '../../../src/testing/sigv4.ts';
import { runs } from '../../runs.ts';

const numRuns = runs(300);
const version = { versionId: 'null', lastModified: 0, etag: '', size: 0, segments: [], headers: {} };
const key = fc.string({
  unit: fc.constantFrom('a', 'b', '/', 'é', '\u{ff5e}', '\u{1f600}'),
  minLength: 1,
  maxLength: 6,
});

describe('the parts of the local S3 server', () => {
  it('order keys as the bytes of their UTF-8', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns },
    );
  });

  it('list, whatever the page size, what a plain filter lists', () => {
    const prefixes = fc.constantFrom('', 'a', 'a/', 'b/a');
    const options = fc.record({
      prefix: prefixes,
      delimiter: fc.constantFrom('', '/', 'b'),
      size: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 20 }), options, (keys, { prefix, delimiter, size }) => {
        const index = new KeyIndex();
        for (const one of keys) index.set({ key: one, versions: [version] });
        const found: string[] = [];
        for (let after = '', more = true; more; ) {
          more = false;
          let room = size;
          for (const entry of walk(index, { prefix, delimiter, after, resumes: after !== '' }, () => true)) {
            if (room-- === 0) {
              more = true;
              break;
            }
            found.push('record' in entry ? entry.record.key : `${entry.prefix} …`);
          }
          after = found.at(-1)?.replace(/ …$/, '') ?? '';
        }
        expect(found).toEqual(naiveList(keys, prefix, delimiter));
      }),
      { numRuns },
    );
  });

  it('join the checksums of parts to the checksum of all bytes', () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(parts, fc.constantFrom('CRC32', 'CRC32C', 'CRC64NVME'), (bodies, algorithm) => {
        const digest = (data: Uint8Array) => {
          const hash = hasher(algorithm);
          hash.update(data);
          return hash.digest().toString('base64');
        };
        const joined = joinChecksums(
          algorithm,
          'FULL_OBJECT',
          bodies.map((body) => ({ checksum: digest(body), size: body.length })),
        );
        expect(joined.value).toBe(digest(Buffer.concat(bodies)));
      }),
      { numRuns },
    );
  });

  it('write XML that reads back as it was', () => {
    const text = fc.string({ unit: 'binary' }).map((one) => one.replaceAll('\r\n', '\n').toWellFormed());
    fc.assert(
      fc.property(text, (value) => {
        expect(parseXml(xml('A', [['B', value]]))?.children[0]?.text).toBe(value);
      }),
      { numRuns },
    );
    console.log(`s3: ${4 * numRuns} cases of order, pages, checksums and XML`);
  });
});

/** The chunks that the S3 documentation signs: 65,536 and 1,024 times the letter a. */
describe('a body in signed chunks', () => {
  const scope = '20130524/us-east-1/s3/aws4_request';
  const signature = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    signature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
    signingKey: signingKey('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', scope),
    timestamp: '20130524T000000Z',
    scope,
  };
  const chunks: readonly [number, string][] = [
    [65_536, 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'],
    [1024, '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'],
    [0, 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'],
  ];
  const wire = Buffer.from(
    chunks.map(([size, sign]) => `${size.toString(16)};chunk-signature=${sign}\r\n${'a'.repeat(size)}\r\n`).join(''),
  );

  it('is taken as the documentation signs it, however the network cuts it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(wire.length), { maxLength: 8 }), async (cuts) => {
        const hash = createHash('sha256');
        for await (const bytes of decodeChunked(cutAt(wire, cuts), options())) hash.update(bytes);
        expect(hash.digest('hex')).toBe(createHash('sha256').update('a'.repeat(66_560)).digest('hex'));
      }),
      { numRuns: 50 },
    );
  });

  it.each<[string, Buffer]>([
    ['a byte that was changed', Buffer.from(wire).fill('b', 100, 101)],
    ['a signature that was changed', Buffer.from(wire.toString().replace('ad80', 'ad81'))],
    ['an end that is missing', wire.subarray(0, -100)],
    ['bytes behind the end', Buffer.concat([wire, Buffer.from('0\r\n\r\n')])],
    ['a size that is no number', Buffer.from(wire.toString().replace('10000;', 'zzzzz;'))],
  ])('is refused with %s', async (_what, bytes) => {
    await expect(drain(decodeChunked(cutAt(bytes, []), options()))).rejects.toMatchObject({
      code: expect.stringMatching(/^(SignatureDoesNotMatch|IncompleteBody|InvalidRequest)$/),
    });
  });

  const options = () => ({ signature, hasTrailer: false, onTrailers: () => {} });
});

function naiveList(keys: readonly string[], prefix: string, delimiter: string): string[] {
  const entries = keys
    .filter((one) => one.startsWith(prefix))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((one) => {
      const end = delimiter === '' ? -1 : one.indexOf(delimiter, prefix.length);
      return end < 0 ? one : `${one.slice(0, end + delimiter.length)} …`;
    });
  return [...new Set(entries)];
}

async function* cutAt(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const to of [...cuts, bytes.length].sort((a, b) => a - b)) {
    yield bytes.subarray(from, to);
    from = to;
  }
}

async function drain(source: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _bytes of source);
}
