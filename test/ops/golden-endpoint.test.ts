// The hook before requests reach new targets of an endpoint, against a server as they run it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { answerEndpointHook, handler } from '../../src/ops/golden-endpoint/handler.ts';
import { start } from '../server/start-server.ts';

const sample = {
  name: 'sum',
  contentType: 'application/json',
  base64: Buffer.from('[1,2]').toString('base64'),
  golden: { status: 200, tolerance: 0.01, body: { sum: 3 } },
};

describe('the hook before new targets get requests', () => {
  const sums = async (request: Request) => {
    const numbers: number[] = JSON.parse(await request.text());
    return Response.json({ sum: numbers.reduce((a, b) => a + b) + 0.001 });
  };
  const serving = async (work: Parameters<typeof start>[0], apiKeys: readonly string[] = []) =>
    (await start(work, { apiKeys })).url;

  it('lets through what answers the golden sample, and nothing else', async () => {
    const cases = {
      right: await serving(sums),
      wrong: await serving(() => Response.json({ sum: 4 })),
      refusing: await serving(() => Response.json({ sum: 3 }, { status: 500 })),
      silent: await serving(() => new Promise<Response>(() => {})),
      absent: 'http://127.0.0.1:1',
    };
    const found = await Promise.all(
      Object.entries(cases).map(async ([name, url]) => {
        const limitMs = name === 'silent' ? 100 : 60_000;
        const { hookStatus } = await answerEndpointHook([sample], { url, key: undefined, limitMs });
        return [name, hookStatus];
      }),
    );
    expect(Object.fromEntries(found)).toEqual({
      right: 'SUCCEEDED',
      wrong: 'FAILED',
      refusing: 'FAILED',
      silent: 'FAILED',
      absent: 'FAILED',
    });
    // One that is wrong is enough.
    const both = [sample, { ...sample, golden: { ...sample.golden, body: { sum: 9 } } }];
    expect(await answerEndpointHook(both, { url: cases.right, key: undefined })).toEqual({ hookStatus: 'FAILED' });
  });

  it('carries a key of the endpoint’s', async () => {
    const url = await serving(sums, ['first', 'second']);
    const status = async (key: string | undefined) => (await answerEndpointHook([sample], { url, key })).hookStatus;
    expect([await status('second'), await status('wrong'), await status(undefined)]).toEqual([
      'SUCCEEDED',
      'FAILED',
      'FAILED',
    ]);
  });

  it('finds its sample, its key and whom to ask where the construct put them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'glowplug-hook-'));
    onTestFinished(async () => await rm(folder, { recursive: true }));
    await writeFile(join(folder, 'samples.json'), JSON.stringify([sample]));
    const secrets = await serving(() => Response.json({ SecretString: ' second , first' }));
    const env = {
      LAMBDA_TASK_ROOT: folder,
      GLOWPLUG_HOOK_TARGET: await serving(sums, ['first', 'second']),
      GLOWPLUG_API_KEYS_SECRET: 'arn:aws:secretsmanager:eu-west-1:1:secret:keys',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets,
      AWS_ACCESS_KEY_ID: 'AKIA',
      AWS_SECRET_ACCESS_KEY: 'secret',
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await handler()).toEqual({ hookStatus: 'SUCCEEDED' });
    // ECS takes a hook that throws for one that failed.
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', await serving(() => Response.json({}, { status: 400 })));
    await expect(handler()).rejects.toThrow(/secretsmanager answered 400/);
  });
});
