// The models of one function: bound to one version each for every request, and warm before the first.
import type { HttpRequest, HttpResponse } from '../core/light-http.ts';
import { consoleLog } from '../core/log.ts';
import { named } from '../models/channel.ts';
import { forgetAsked } from '../models/stores/range-request.ts';
import type { LockedVersion } from '../models/version.ts';
import type { Context } from './context.ts';
import { createModel, type Model, type ModelHost } from './model.ts';
import { type ModelUse, readUse } from './model-use.ts';
import { ServedModel } from './served-model.ts';
import { withHeader } from './with-header.ts';

type AnyModels = Readonly<Record<string, Model>>;
type OwnWarm = ((models: AnyModels) => Promise<void> | void) | undefined;

export interface RequestModels {
  readonly models: AnyModels;
  /** The response, saying which version of each model ran for it. */
  stamp(response: HttpResponse): HttpResponse;
}

export class Serving {
  readonly #served: ReadonlyMap<string, ServedModel>;
  readonly #host: () => ModelHost;
  readonly #ownWarm: OwnWarm;
  readonly #onDemand: boolean;
  #warming: Promise<void> | undefined;

  /** @throws GlowplugError CONFIG_INVALID */
  constructor(uses: Readonly<Record<string, ModelUse>>, host: () => ModelHost, ownWarm: OwnWarm, onDemand = false) {
    this.#host = host;
    this.#onDemand = onDemand;
    this.#ownWarm = ownWarm;
    const entries = Object.entries(uses).map(([name, use]) => {
      const warmVersion = async (version: LockedVersion) => await this.#ownWarm?.(this.#current(name, version));
      return [name, new ServedModel(readUse(name, use), host, warmVersion)] as const;
    });
    this.#served = new Map(entries);
  }

  /** The model of that name in the code, to be loaded and unloaded. */
  slot(name: string): ServedModel | undefined {
    return this.#served.get(name);
  }

  /** What the request finds at its start is what it runs, however long it takes. */
  forRequest(request: HttpRequest, { requestId, signal, trace }: Context): RequestModels {
    for (const served of this.#served.values()) served.tick();
    const ran = new Map<string, LockedVersion>();
    const models = [...this.#served].map(([name, served]) => {
      let chosen: Promise<LockedVersion> | undefined;
      const version = () => (chosen ??= served.choose(request, requestId));
      const model = createModel(served.reference, this.#host, version, {
        batch: served.batch,
        signal,
        mayOpen: served.mayOpen,
        by: trace.span,
        ran(which, feeds, outputs, timed, by) {
          ran.set(name, which);
          trace.ran({ model: which.model, version: which.version, ...timed }, by);
          served.answered({ requestId, version: which, feeds, outputs });
        },
      });
      return [name, model] as const;
    });
    return {
      models: Object.fromEntries(models),
      stamp: (response) => {
        if (ran.size === 0) return response;
        if (!this.#host().freezes) setImmediate(() => this.#afterAnswer());
        return stamped(response, ran);
      },
    };
  }

  /** Every model at once, then what the owner adds. Never rejects. */
  warm(): Promise<void> {
    this.#warming ??= this.#warm();
    return this.#warming;
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#served.values()].map((served) => served.settled()));
  }

  restored(): void {
    for (const served of this.#served.values()) served.restored();
  }

  async #warm(): Promise<void> {
    try {
      if (this.#onDemand) await forgetAsked();
      else await Promise.all([...this.#served.values()].map((served) => served.warm()));
      await this.#ownWarm?.(this.#current());
    } catch (error) {
      consoleLog.warn('warming failed; the request that needs it tries again', { error: String(error) });
    }
  }

  #afterAnswer(): void {
    for (const served of this.#served.values()) served.tick();
  }

  /** The models as they answer now, one of them perhaps as it will. */
  #current(name?: string, version?: LockedVersion): AnyModels {
    return Object.fromEntries(
      [...this.#served].map(([each, served]) => {
        const choose = async () => (each === name && version ? version : await served.current());
        return [each, createModel(served.reference, this.#host, choose, { batch: served.batch })];
      }),
    );
  }
}

const header = 'x-glowplug-model';

function stamped(response: HttpResponse, ran: ReadonlyMap<string, LockedVersion>): HttpResponse {
  return withHeader(response, header, [...ran].map(([name, version]) => `${name}=${named(version)}`).join(', '));
}
