// An S3 bucket that creates objects once, behind a fetch of its own, with faults where a test wants them.
import { s3Results } from '../../src/results/results.ts';
import { handClock } from '../hand-clock.ts';

interface Stored {
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

export function memoryBucket() {
  const objects = new Map<string, Stored>();
  const requests: string[] = [];
  /** Answers of these statuses come first, in turn; 0 breaks the connection after the request was carried out. */
  const faults: number[] = [];
  const { clock, pass } = handClock();
  const serve = async (request: Request): Promise<Response> => {
    const key = decodeURIComponent(new URL(request.url).pathname);
    requests.push(`${request.method} ${key}`);
    if (!request.headers.get('authorization')?.startsWith('AWS4-HMAC-SHA256')) return new Response('', { status: 403 });
    const fault = faults.shift();
    if (fault) return new Response(`<Code>Fault</Code>`, { status: fault });
    const answer = await (request.method === 'PUT' ? put(key, request) : get(key));
    if (fault === 0) throw new TypeError('fetch failed');
    return answer;
  };
  const put = async (key: string, request: Request) => {
    if (request.headers.get('if-none-match') === '*' && objects.has(key)) return new Response('', { status: 412 });
    const body = new Uint8Array(await request.arrayBuffer());
    // Another writer may have come while the body travelled.
    if (objects.has(key)) return new Response('', { status: 412 });
    objects.set(key, { headers: new Headers(request.headers), body });
    return new Response();
  };
  const get = (key: string) => {
    const found = objects.get(key);
    return found
      ? new Response(found.body, { headers: found.headers })
      : new Response('<Code>NoSuchKey</Code>', { status: 404 });
  };
  const results = s3Results(
    { bucket: 'results', prefix: 'here', region: 'us-east-1', endpoint: 'http://s3.test' },
    {
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
      fetch: (input, init) => serve(new Request(input, init)),
      clock: {
        now: clock.now,
        async sleep(ms, signal) {
          const slept = clock.sleep(ms, signal);
          pass(ms);
          await slept;
        },
      },
    },
  );
  return { results, objects, requests, faults, now: clock.now };
}
