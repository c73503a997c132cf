import { describe, expect, it } from 'vitest';
import { objectUrl } from '../../src/models/stores/s3-location.ts';
import { signS3 } from '../../src/models/stores/sign-s3.ts';
import { verifySigV4 } from '../../src/testing/sigv4.ts';

const credentials = { accessKeyId: 'AKID', secretAccessKey: 'a secret/of+a test', sessionToken: 'token//==' };
const now = new Date('2026-11-24T22:15:00.123Z');

describe('a signed GET', () => {
  it.each([
    ['https://models.s3.eu-west-1.amazonaws.com/iris/index.json', {}],
    ['http://127.0.0.1:9000/models/a/b', { range: 'bytes=0-99' }],
    [
      objectUrl({ bucket: 'b', prefix: '', region: 'eu-west-1', endpoint: undefined }, "odd (1)!*'/ü/a+b"),
      { 'if-none-match': '"e"' },
    ],
  ])('is what a verifier of S3 takes: %s', (address, headers) => {
    const url = new URL(address);
    const signed = signS3({ method: 'GET', url, headers }, { region: 'eu-west-1', credentials }, now);
    const request = { method: 'GET', path: url.pathname, query: '', headers: signed };
    const options = {
      service: 's3',
      region: 'eu-west-1',
      secretFor: (id: string) => (id === 'AKID' ? credentials.secretAccessKey : undefined),
      now,
    };
    expect(verifySigV4(request, options).accessKeyId).toBe('AKID');
    const others = { ...signed, 'x-amz-security-token': 'another' };
    expect(() => verifySigV4({ ...request, headers: others }, options)).toThrow(/does not match/);
  });
});
