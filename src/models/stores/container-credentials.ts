// Credentials that are asked for where they are needed: a restored snapshot's variables would hold old ones.
// Source: AWS SDKs and Tools Reference Guide, "Container credential provider".
import type { CredentialSource, Credentials } from '../../core/contract.ts';
import { GlowplugError } from '../../core/errors.ts';
import { isRecord } from '../../core/is-record.ts';
import { SingleFlight } from '../../core/single-flight.ts';
import { readAll } from '../read-all.ts';
import { type SendGet, sendGet } from './send-get.ts';

interface Held {
  readonly credentials: Credentials;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** As the AWS SDKs do: what has less than this before it is asked for anew. */
const leftMs = 5 * 60_000;
const silenceMs = 2000;

/**
 * Asks once, and again before what came expires. Whoever asks meanwhile waits for the same.
 *
 * @throws GlowplugError STORE_FORBIDDEN when there are none to be had
 */
export function containerCredentials(
  { url, token }: CredentialSource,
  { send = sendGet, now = Date.now }: { send?: SendGet; now?: () => number } = {},
): () => Promise<Credentials> {
  const asking = new SingleFlight<Held>();
  let last: Held | undefined;
  const held = () => asking.run(url, ask);
  return async () => {
    const found = await held();
    if (now() < found.until - leftMs) return found.credentials;
    // The first who finds them old lets them be asked for anew.
    if (last === found) {
      last = undefined;
      asking.forget(url);
    }
    try {
      return (await held()).credentials;
    } catch (error) {
      if (now() < found.until) return found.credentials;
      throw error;
    }
  };

  async function ask(): Promise<Held> {
    try {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: token };
      const answer = await send(new URL(url), { headers, signal: AbortSignal.timeout(silenceMs) });
      const body = new TextDecoder().decode(await readAll(answer.body, 64 * 1024, 'credentials'));
      if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
      last = parse(JSON.parse(body));
      return last;
    } catch (cause) {
      throw new GlowplugError('STORE_FORBIDDEN', `expected credentials from ${new URL(url).host}, got none`, {
        cause,
        remedy: 'Give the function a role that may read the store.',
      });
    }
  }
}

function parse(json: unknown): Held {
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = isRecord(json) ? json : {};
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string') throw new TypeError('no credentials');
  return {
    credentials: {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      ...(typeof Token === 'string' ? { sessionToken: Token } : {}),
    },
    until: typeof Expiration === 'string' ? Date.parse(Expiration) : Number.POSITIVE_INFINITY,
  };
}
