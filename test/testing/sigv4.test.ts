// SigV4 as AWS documents it, and every way in which a request may be signed wrongly.
import { AwsClient } from 'aws4fetch';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SignedRequest, SigV4Error, type SigV4Options, sha256Hex, verifySigV4 } from '../../src/testing/sigv4.ts';

const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const accessKeyId = 'AKIAIOSFODNN7EXAMPLE';
const now = new Date('2013-05-24T00:00:00Z');
const s3: SigV4Options = {
  service: 's3',
  region: 'us-east-1',
  secretFor: (id) => (id === accessKeyId ? secret : undefined),
  now,
};
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** The first example of the S3 documentation: GET /test.txt, bytes 0 to 9. */
const documented: SignedRequest = {
  method: 'GET',
  path: '/test.txt',
  query: '',
  headers: {
    host: 'examplebucket.s3.amazonaws.com',
    range: 'bytes=0-9',
    'x-amz-content-sha256': emptyHash,
    'x-amz-date': '20130524T000000Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,' +
      'SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,' +
      'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
};

/** The presigned example of the same documentation. */
const presigned: SignedRequest = {
  method: 'GET',
  path: '/test.txt',
  query:
    'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
    '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
    '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  headers: { host: 'examplebucket.s3.amazonaws.com' },
};

describe('a request signed with SigV4', () => {
  it('is taken when it is signed as the documentation signs its examples', () => {
    expect(verifySigV4(documented, s3).accessKeyId).toBe(accessKeyId);
    expect(verifySigV4(presigned, s3).accessKeyId).toBe(accessKeyId);
  });

  it.each<[string, Partial<SignedRequest>]>([
    ['method', { method: 'PUT' }],
    ['path', { path: '/test.txt2' }],
    ['query', { query: 'a=1' }],
    ['signed header', { headers: { ...documented.headers, range: 'bytes=0-8' } }],
    ['body', { headers: { ...documented.headers, 'x-amz-content-sha256': emptyHash.replace('e', 'f') } }],
  ])('is refused when its %s is not the one that was signed', (_what, change) => {
    expect(codeOf({ ...documented, ...change })).toBe('SignatureDoesNotMatch');
  });

  it('is refused when its key, service, region or day is another', () => {
    expect(codeOf(documented, { secretFor: () => undefined })).toBe('InvalidAccessKeyId');
    expect(codeOf(documented, { secretFor: () => 'other' })).toBe('SignatureDoesNotMatch');
    expect(codeOf(documented, { service: 'lambda' })).toBe('AuthorizationHeaderMalformed');
    expect(codeOf(documented, { region: 'eu-central-1' })).toBe('AuthorizationHeaderMalformed');
    const headers = { ...documented.headers, 'x-amz-date': '20130525T000000Z' };
    expect(codeOf({ ...documented, headers })).toBe('AuthorizationHeaderMalformed');
  });

  it('is good for 15 minutes before and after its time', () => {
    const at = (ms: number) => codeOf(documented, { now: new Date(now.getTime() + ms) });
    expect([at(15 * 60_000), at(-15 * 60_000)]).toEqual(['taken', 'taken']);
    expect([at(15 * 60_000 + 1), at(-15 * 60_000 - 1)]).toEqual(['RequestTimeTooSkewed', 'RequestTimeTooSkewed']);
  });

  it('in a presigned URL is good until it expires', () => {
    const at = (ms: number) => codeOf(presigned, { now: new Date(now.getTime() + ms) });
    expect([at(86_400_000), at(86_400_001)]).toEqual(['taken', 'AccessDenied']);
  });

  it.each([
    ['', 'AccessDenied'],
    ['Basic abc', 'InvalidRequest'],
    ['AWS4-HMAC-SHA256 nonsense', 'AuthorizationHeaderMalformed'],
    ['AWS4-HMAC-SHA256 Credential=A/B, SignedHeaders=host, Signature=00', 'AuthorizationHeaderMalformed'],
  ])('with the Authorization header %j is %s', (authorization, code) => {
    const { authorization: _old, ...headers } = documented.headers;
    const given: Record<string, string> = authorization === '' ? headers : { ...headers, authorization };
    expect(codeOf({ ...documented, headers: given })).toBe(code);
  });

  it('to S3 must sign every x-amz- header, and always the host', () => {
    const smuggled = { ...documented.headers, 'x-amz-acl': 'public-read' };
    expect(codeOf({ ...documented, headers: smuggled })).toBe('AccessDenied');
    const authorization = documented.headers['authorization']!.replace('host;', '');
    expect(codeOf({ ...documented, headers: { ...documented.headers, authorization } })).toBe('AccessDenied');
  });

  it('by another implementation is taken, whatever its path, query and body', async () => {
    const runs = 200;
    const client = new AwsClient({ accessKeyId, secretAccessKey: secret });
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    const segment = word.filter((text) => text !== '.' && text !== '..');
    const request = fc.record({
      service: fc.constantFrom('s3', 'lambda'),
      path: fc.array(segment, { maxLength: 4 }),
      query: fc.uniqueArray(fc.tuple(word, word), { maxLength: 4, selector: ([name]) => name }),
      body: fc.string(),
      signQuery: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ service, path, query, body, signQuery }) => {
        const url = new URL(`https://host.example/${path.map(encodeURIComponent).join('/')}`);
        for (const [name, value] of query) url.searchParams.append(name, value);
        if (signQuery) url.searchParams.set('X-Amz-Expires', '60');
        const bodySha256 = sha256Hex(body);
        const headers = { 'x-amz-content-sha256': bodySha256 };
        const aws = { service, region: 'us-east-1', datetime: '20130524T000000Z', signQuery };
        const signed = await client.sign(url.href, { method: 'POST', body, headers, aws });
        const at = new URL(signed.url);
        const sent: SignedRequest = {
          method: 'POST',
          path: at.pathname,
          query: at.search.slice(1),
          headers: { ...Object.fromEntries(signed.headers), host: 'host.example' },
          bodySha256,
        };
        expect(codeOf(sent, { service })).toBe('taken');
        expect(codeOf({ ...sent, path: `${sent.path}x` }, { service })).toBe('SignatureDoesNotMatch');
      }),
      { numRuns: runs },
    );
    console.log(`sigv4: ${runs} requests signed by aws4fetch`);
  });
});

function codeOf(request: SignedRequest, change: Partial<SigV4Options> = {}): string {
  try {
    verifySigV4(request, { ...s3, ...change });
    return 'taken';
  } catch (error) {
    if (error instanceof SigV4Error) return error.code;
    throw error;
  }
}
