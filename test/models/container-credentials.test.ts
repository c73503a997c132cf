import { describe, expect, it } from 'vitest';
import { containerCredentials } from '../../src/models/stores/container-credentials.ts';
import type { SendGet } from '../../src/models/stores/send-get.ts';

const hour = 3_600_000;

describe('credentials of a container', () => {
  it('are asked for once, with the token, and again five minutes before they expire', async () => {
    const source = sourceOf();
    await Promise.all([source.get(), source.get(), source.get()]);
    source.now = hour - 301_000;
    expect((await source.get()).accessKeyId).toBe('AKIA1');
    source.now = hour - 299_000;
    const both = await Promise.all([source.get(), source.get()]);
    expect(both.map(({ accessKeyId }) => accessKeyId)).toEqual(['AKIA2', 'AKIA2']);
    expect(source.asked).toEqual(['a token', 'a token']);
  });

  it('go on being used to their end while no new ones are to be had, and no longer', async () => {
    const source = sourceOf();
    await source.get();
    source.status = 500;
    source.now = hour - 60_000;
    expect((await source.get()).accessKeyId).toBe('AKIA1');
    source.now = hour + 1;
    await expect(source.get()).rejects.toMatchObject({
      code: 'STORE_FORBIDDEN',
      message: expect.not.stringContaining('token'),
    });
    source.status = 200;
    expect((await source.get()).accessKeyId).toBe('AKIA4');
  });

  it.each(['', '{}', '[]', '{"AccessKeyId":"AKIA"}'])('are none where %s comes', async (body) => {
    const source = sourceOf();
    source.body = body;
    await expect(source.get()).rejects.toMatchObject({ code: 'STORE_FORBIDDEN' });
  });
});

/** Each answer has another key, good for an hour. */
function sourceOf() {
  const source = { now: 0, status: 200, body: undefined as string | undefined, asked: [] as (string | undefined)[] };
  const send: SendGet = async (_url, { headers }) => {
    source.asked.push(headers['authorization']);
    const AccessKeyId = `AKIA${source.asked.length}`;
    const Expiration = new Date(source.now + hour).toISOString();
    const text = source.body ?? JSON.stringify({ AccessKeyId, SecretAccessKey: 's', Token: 't', Expiration });
    return { status: source.status, headers: {}, body: of(text), destroy() {} };
  };
  const get = containerCredentials({ url: 'http://127.0.0.1/', token: 'a token' }, { send, now: () => source.now });
  return Object.assign(source, { get });
}

async function* of(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
