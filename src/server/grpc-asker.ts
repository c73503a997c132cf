// Whom a gRPC call asks: it has no path, so among several functions a model's name finds the one that serves it.
import { catalogue, type ErrorCode } from '../core/error-catalogue.ts';
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Asker } from './grpc-methods.ts';
import type { Answered } from './request-metrics.ts';
import type { Unit } from './units.ts';

/** Metadata by which a client names a function where several serve a model of the same name. */
export const functionHeader = 'glowplug-function';

export interface Asking {
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** Value of `functionHeader`. */
  readonly named: string | undefined;
  /** Headers of the trace that the call belongs to. */
  readonly traced: Readonly<Record<string, string>>;
  readonly answered: (unit: Unit, answered: Answered) => void;
}

type AskerOf = (asking: Asking) => Pick<Asker, 'ask' | 'askAll'>;

/** Remembers who serves a model, which does not change while the server runs. */
export function askerOf(units: readonly Unit[]): AskerOf {
  const serving = new Map<string, Unit>();
  return ({ requestId, signal, named, traced, answered }) => {
    const asked = named === undefined ? units : units.filter(({ name }) => name === named);
    if (asked.length === 0) {
      const known = units.map(({ name }) => name).join(', ');
      throw new GlowplugError('NOT_FOUND', `${functionHeader}: expected ${known}; got ${shorten(named)}`, {
        remedy: 'Name a function of the server, or none.',
      });
    }
    const askOne = async (unit: Unit, { path, body, headers: own }: Question): Promise<Response> => {
      const started = performance.now();
      const url = `http://localhost${path}`;
      const headers = { ...traced, ...own };
      const request = body
        ? new Request(url, { method: 'POST', headers, body: bodyOf(body), duplex: 'half' })
        : new Request(url);
      const response = await unit.handler.fetch(request, { requestId, signal });
      const error = response.ok ? undefined : await errorOf(response);
      if (!error || !isElsewhere(error) || asked.length === 1) {
        answered(unit, { path, status: response.status, ms: performance.now() - started });
      }
      if (error) throw error;
      return response;
    };
    return {
      async ask(path, body, headers) {
        const model = /^\/v2\/(?:repository\/)?models\/([^/]+)/.exec(path)?.[1] ?? '';
        const known = named === undefined ? serving.get(model) : undefined;
        if (known) return await askOne(known, { path, body, headers });
        const listing = asked.filter(({ models }) => models.includes(decodeURIComponent(model)));
        let refused: GlowplugError | undefined;
        for (const unit of new Set([...listing, ...asked])) {
          try {
            const response = await askOne(unit, { path, body, headers });
            if (named === undefined) serving.set(model, unit);
            return response;
          } catch (error) {
            if (!(error instanceof GlowplugError && isElsewhere(error))) throw error;
            // A function that does not speak the protocol has less to say than one that names its models.
            if (!refused || refused.code === 'NOT_FOUND') refused = error;
          }
        }
        throw refused;
      },
      async askAll(path, body) {
        const asking = await Promise.allSettled(asked.map((unit) => askOne(unit, { path, body })));
        const answers = asking.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
        const failures = asking.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
        // A function that does not speak the protocol has nothing to add to what others say.
        const failed = failures.find(({ code }) => answers.length === 0 || code !== 'NOT_FOUND');
        if (failed) throw failed;
        return answers;
      },
    };
  };
}

interface Question {
  readonly path: string;
  readonly body: readonly Uint8Array[] | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Whether another function may know better: this one has no such model, or says nothing of models at all. */
function isElsewhere({ code }: GlowplugError): boolean {
  return code === 'NOT_FOUND' || code === 'MODEL_NOT_FOUND' || code === 'MODEL_CONTROL_OFF';
}

/** As parts: whoever reads them joins them once. */
function bodyOf(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) if (part.byteLength > 0) controller.enqueue(part);
      controller.close();
    },
  });
}

/** The error that the answer tells of: from 500 on it says no more than its code. */
async function errorOf(response: Response): Promise<GlowplugError> {
  const body: unknown = await response.json().catch(() => undefined);
  const { error, code, remedy } = Object(body);
  const known: ErrorCode = Object.hasOwn(catalogue, `${code}`) ? code : 'INTERNAL';
  const retryAfter = response.headers.get('retry-after');
  return new GlowplugError(known, `${error ?? catalogue[known].meaning}`, {
    remedy: `${remedy ?? catalogue[known].remedy}`,
    ...(retryAfter === null ? {} : { headers: { 'retry-after': retryAfter } }),
  });
}
