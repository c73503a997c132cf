// A bundle asks for its models before the function's code is loaded, in real processes of AWS's runtime client: each byte is asked
// for once, and whatever becomes of what was asked for ahead, the first request is answered.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { listen } from '../../src/testing/listen.ts';
import { harness, where } from '../testing/runtime/harness.ts';
import { coldIris } from './cold-iris.ts';
import { passOn } from './gated-s3.ts';

type Spoil = (response: ServerResponse, pass: () => void, message: IncomingMessage) => void;

describe('what a bundle asks for ahead', () => {
  const iris = coldIris();

  /** A cold start whose first request for each object meets `spoil`. */
  async function started(spoil: Spoil, environment: Record<string, string> = {}) {
    await using s3 = await spoiledS3(iris.cloud.s3Endpoint, spoil);
    await using own = harness({
      where: { ...where, credentials: iris.cloud.credentials, region: iris.cloud.region, s3Endpoint: s3.url },
    });
    const local = own.fleet.add({
      ...iris.spec,
      environment: { ...iris.spec.environment, AWS_ENDPOINT_URL_S3: s3.url, ...environment },
    });
    const outcome = await local.invoke({ payload: iris.payload });
    const answer = 'payload' in outcome ? Buffer.from(outcome.payload).toString() : outcome.kind;
    return { answer, asked: s3.asked, log: local.log.text };
  }

  it('comes by these requests, and no others', async () => {
    const { answer, asked, log } = await started((_response, pass) => pass());
    expect(answer).toContain('setosa');
    // The model and its labels.
    expect([...asked.values()]).toEqual([1, 1]);
    const line = log.split('\n').find((one) => one.includes('"message":"cold start"')) ?? '';
    const stages: { stage: string; from: number; to: number }[] = JSON.parse(line.slice(line.indexOf('{'))).stages;
    const from = (name: string) => stages.find(({ stage }) => stage === name)?.from ?? Number.NaN;
    // They travel while the code is loaded.
    expect(from('fetch')).toBeLessThan(from('resolve'));
  });

  it.each<[string, Spoil]>([
    ['is reset', (response) => response.socket?.resetAndDestroy()],
    ['is refused for the moment', (response) => response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>')],
    ['is another object', (response) => response.writeHead(206, { 'content-range': 'bytes 0-0/1' }).end('x')],
    ['breaks off', (response, pass, { url }) => (/iris/.test(url ?? '') ? response.socket?.destroy() : pass())],
  ])('is asked for again when it %s', async (_what, spoil) => {
    const { answer, asked } = await started(spoil);
    expect(answer).toContain('setosa');
    for (const count of asked.values()) expect(count).toBeGreaterThan(1);
  });

  it('is never run when its bytes are wrong', async () => {
    const { answer, log } = await started((response, pass, { headers: { range } }) => {
      const [, first, last] = /bytes=(\d+)-(\d+)/.exec(range ?? '') ?? [];
      if (last === undefined) return pass();
      const length = Number(last) - Number(first) + 1;
      const head = { 'content-range': `bytes ${first}-${last}/${length}`, 'content-length': length };
      response.writeHead(206, head).end(Buffer.alloc(length, 1));
    });
    expect(log).toMatch(/warming failed.* with sha256:[0-9a-f]{64}, got sha256:/);
    // The request that needs it fetches it again.
    expect(answer).toContain('setosa');
  });

  it('does not keep an init where nobody answers: the request says what is wrong', async () => {
    const { answer } = await started((_response, pass) => pass(), { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' });
    const told = { errorType: 'STORE_UNAVAILABLE', errorMessage: expect.stringMatching(/of its own\. Try again;/) };
    expect(JSON.parse(answer)).toMatchObject(told);
  }, 60_000);
});

async function spoiledS3(target: string, spoil: Spoil) {
  const asked = new Map<string, number>();
  const server = createServer((message, response) => {
    const key = message.url ?? '';
    asked.set(key, (asked.get(key) ?? 0) + 1);
    const pass = () => passOn(target, message, response);
    if (asked.get(key) === 1) spoil(response, pass, message);
    else pass();
  });
  return { ...(await listen(server, 0)), asked };
}
