// JSON compressed for a client that takes it, where that pays.

/** Below this, compressing takes longer than sending: 64 KB are half a millisecond at 1 Gbit/s. */
const MIN_CHARACTERS = 64 * 1024;

export interface Compressed {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

export async function compress(json: string, acceptEncoding: string | null): Promise<Compressed> {
  if (json.length < MIN_CHARACTERS) return { body: json, headers: {} };
  const encoding = (['gzip', 'deflate'] as const).find((name) => accepts(acceptEncoding ?? '', name));
  const headers = { vary: 'accept-encoding' };
  if (!encoding) return { body: json, headers };
  // On demand: loading it takes milliseconds of a cold start.
  const [zlib, { promisify }] = await Promise.all([import('node:zlib'), import('node:util')]);
  // The fastest level: digits of numbers shrink to about half at any level.
  const body = await promisify(zlib[encoding])(json, { level: zlib.constants.Z_BEST_SPEED });
  return { body, headers: { ...headers, 'content-encoding': encoding } };
}

/** A name in the list whose q, if it has one, is not 0. */
function accepts(header: string, name: string): boolean {
  return header.split(',').some((item) => {
    const [coding = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    return coding === name && !parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter));
  });
}
