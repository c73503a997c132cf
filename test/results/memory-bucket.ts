// An S3 bucket that creates objects once, in memory, with faults where a test wants them.
import { s3Results } from '../../src/results/results.ts';
import type { S3Answer, S3Request } from '../../src/results/send.ts';
import { handClock } from '../hand-clock.ts';

interface Stored {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

export function memoryBucket() {
  const objects = new Map<string, Stored>();
  const requests: string[] = [];
  /** Answers of these statuses come first, in turn; 0 breaks the connection after the request was carried out. */
  const faults: number[] = [];
  const clock = handClock();
  const answer = (status: number, text = '', headers = {}): S3Answer => ({
    status,
    headers,
    body: new Uint8Array(Buffer.from(text)),
  });
  const serve = async ({ method, url, headers, body }: S3Request): Promise<S3Answer> => {
    const key = decodeURIComponent(url.pathname);
    requests.push(`${method} ${key}`);
    const fault = faults.shift();
    if (fault) return answer(fault, '<Code>Fault</Code>');
    const answered = method === 'PUT' ? put(key, { headers, body: Uint8Array.from(body ?? []) }) : get(key);
    if (fault === 0) throw new Error('socket hang up');
    return answered;
  };
  const put = (key: string, object: Stored) => {
    if (object.headers['if-none-match'] !== '*') throw new Error('a put that could replace an object');
    if (objects.has(key)) return answer(412);
    objects.set(key, object);
    return answer(200);
  };
  const get = (key: string) => {
    const found = objects.get(key);
    return found ? { status: 200, ...found } : answer(404, '<Code>NoSuchKey</Code>');
  };
  const results = s3Results(
    { bucket: 'results', prefix: 'here', region: 'us-east-1', endpoint: 'http://s3.test' },
    {
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
      send: serve,
      clock: {
        now: clock.now,
        async sleep(ms, signal) {
          const slept = clock.sleep(ms, signal);
          clock.pass(ms);
          await slept;
        },
      },
    },
  );
  return { results, objects, requests, faults, now: clock.now };
}
