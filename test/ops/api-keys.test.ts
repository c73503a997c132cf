// The authorizer of an InferenceApi against a Secrets Manager of the test's own: whoever has no key of the secret stays out,
// whatever goes wrong.
import { describe, expect, it, vi } from 'vitest';
import { readContract } from '../../src/core/contract.ts';
import { authorizer, keptMs } from '../../src/ops/api-keys/handler.ts';
import { type AwsApi, awsApi } from '../../src/ops/aws-api.ts';

const ada = 'ada0123456789012345678901234567890123456';
const ben = 'ben0123456789012345678901234567890123456';
const refused = { isAuthorized: false };

/** A secret that a test changes; an error is what Secrets Manager answers then. */
function asking(secret: { text: unknown }) {
  const reads: unknown[] = [];
  let now = 0;
  const api: AwsApi = async (request) => {
    reads.push(request);
    if (secret.text instanceof Error) throw secret.text;
    return { headers: new Headers(), json: { SecretString: secret.text } };
  };
  const authorize = authorizer(api, 'arn:secret', () => now);
  return {
    reads,
    pass: (ms: number) => {
      now += ms;
    },
    ask: (key?: string) =>
      authorize({ version: '2.0', type: 'REQUEST', identitySource: key === undefined ? [] : [key] }),
  };
}

describe('the authorizer of an InferenceApi', () => {
  it('lets in each of the secret’s keys and says which it was, by what is no key', async () => {
    const { ask } = asking({ text: ` ${ada}, ${ben}\n` });
    const [first, second] = [await ask(ada), await ask(ben)];
    expect([first.isAuthorized, second.isAuthorized]).toEqual([true, true]);
    for (const { context } of [first, second]) expect(context?.keyId).toMatch(/^[0-9a-f]{12}$/);
    expect(first.context).not.toEqual(second.context);
  });

  it('refuses everything else in the same words', async () => {
    const { ask } = asking({ text: `${ada},${ben}` });
    for (const key of ['', ' ', ',', ada.slice(0, -1), `${ada}x`, `${ada},${ben}`, ada.toUpperCase(), undefined]) {
      expect(await ask(key)).toEqual(refused);
    }
    const authorize = authorizer(
      async () => ({ headers: new Headers(), json: { SecretString: ada } }),
      's',
      () => 0,
    );
    for (const event of [null, 'x', {}, { identitySource: ada }, { identitySource: [[ada]] }]) {
      expect(await authorize(event)).toEqual(refused);
    }
  });

  it('reads the secret once a minute: who was taken out stays out, who was added comes in', async () => {
    const secret = { text: ada };
    const { ask, pass, reads } = asking(secret);
    await ask(ada);
    secret.text = ben;
    pass(keptMs - 1);
    expect(await ask(ada)).toMatchObject({ isAuthorized: true });
    expect(reads).toHaveLength(1);
    pass(1);
    expect(await ask(ada)).toEqual(refused);
    expect(await ask(ben)).toMatchObject({ isAuthorized: true });
    expect(reads).toHaveLength(2);
  });

  it('fails while the secret cannot be read, also for a key that was let in before, and asks again each time', async () => {
    const secret: { text: unknown } = { text: ada };
    const { ask, pass, reads } = asking(secret);
    await ask(ada);
    secret.text = new Error('secretsmanager answered 503');
    pass(keptMs);
    for (const key of [ada, ben]) await expect(ask(key)).rejects.toThrow('503');
    secret.text = ada;
    expect(await ask(ada)).toMatchObject({ isAuthorized: true });
    expect(reads).toHaveLength(4);
  });

  it.each([
    ['empty', ''],
    ['only commas', ' , ,'],
    ['bytes', undefined],
  ])('lets nobody in by a secret that is %s', async (_, text) => {
    const { ask } = asking({ text });
    await expect(ask('')).resolves.toEqual(refused);
    await expect(ask(ada)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('writes no key: not into the log, not into an error', async () => {
    const written = vi.spyOn(process.stdout, 'write');
    const logs = (['log', 'info', 'warn', 'error'] as const).map((level) => vi.spyOn(console, level));
    const { ask } = asking({ text: ada });
    await ask(ada);
    await ask(ben);
    for (const spy of [...logs, written]) {
      expect(JSON.stringify(spy.mock.calls)).not.toMatch(/ada0|ben0/);
      spy.mockRestore();
    }
    const contract = readContract({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
    const cutOff = async () => new Response(`{"SecretString":"${ada}`);
    const authorize = authorizer(awsApi(contract, { fetch: cutOff }), 'arn:secret', () => 0);
    const error: unknown = await authorize({ identitySource: [ada] }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'INTERNAL' });
    expect(String(error)).not.toContain('ada0');
  });
});
