// One model of a function: which version answers a request, how it changes, and what runs in its shadow.
import { GlowplugError } from '../core/errors.ts';
import type { HttpRequest } from '../core/light-http.ts';
import { SingleFlight } from '../core/single-flight.ts';
import { Channel } from '../models/channel.ts';
import { parseReference } from '../models/reference.ts';
import type { Digest, LockedVersion } from '../models/version.ts';
import type { BatchOptions } from '../session/batched.ts';
import type { ModelHost } from './model.ts';
import type { ModelOptions, Shadow } from './model-use.ts';
import type { AnsweredRun, ShadowRun } from './shadow-run.ts';
import { keyOf, onOtherSide } from './split.ts';

/** The owner's `warm` over a version that does not answer yet. */
export type WarmVersion = (version: LockedVersion) => Promise<void>;

export class ServedModel {
  readonly reference: string;
  readonly #use: ModelOptions;
  readonly #host: () => ModelHost;
  readonly #warmVersion: WarmVersion;
  readonly #channels = new SingleFlight<Channel>();
  readonly #open: Channel[] = [];
  /** Made before the first run that it may repeat. */
  #shadow: ShadowRun | undefined;
  #unloaded = false;

  constructor(use: ModelOptions, host: () => ModelHost, warmVersion: WarmVersion) {
    this.reference = use.model;
    this.#use = use;
    this.#host = host;
    this.#warmVersion = warmVersion;
  }

  /** Throws when it was unloaded. */
  readonly mayOpen = (): void => {
    if (!this.#unloaded) return;
    throw new GlowplugError('MODEL_UNLOADED', `${this.reference} was unloaded`);
  };

  /** Opens it, also after it was unloaded. */
  async load(): Promise<void> {
    this.#unloaded = false;
    (await this.#host().lease(await this.current(), undefined, this.batch))[Symbol.dispose]();
  }

  /** From now on it is refused; resolves when its session is closed, after those who run it. */
  async unload(): Promise<void> {
    this.#unloaded = true;
    await this.#host().unload(await this.current(), this.batch);
  }

  async isLoaded(): Promise<boolean> {
    return !this.#unloaded && this.#host().isOpen(await this.current(), this.batch);
  }

  get batch(): BatchOptions | undefined {
    return this.#use.batch;
  }

  /** The version that answers this request, the same for all of it. */
  async choose(request: HttpRequest, requestId: string): Promise<LockedVersion> {
    const { split, shadow } = this.#use;
    if (shadow && !this.#shadow) await this.#openShadow(shadow);
    const key = split && (keyOf(split, request) ?? requestId);
    if (split && key !== undefined) {
      const other = await this.#channel(split.to);
      const percent = split.percent === 'rollout' ? other.share : split.percent;
      // One that cannot be loaded was complained of: who is on its side is answered too.
      if (other.current && onOtherSide(parseReference(this.reference).model, key, percent)) return other.current;
    }
    return await this.current();
  }

  /** The version that answers who is on no other side. */
  async current(): Promise<LockedVersion> {
    return (await this.#channel(this.reference)).current ?? (await this.#host().locked(this.reference));
  }

  /** Opens what is to answer. Rejects when the model itself cannot be; another side has its own complaint. */
  async warm(): Promise<void> {
    const { split, shadow } = this.#use;
    const channel = await this.#channel(this.reference);
    void channel.refresh();
    // First what answers: the others open beside it.
    (await this.#host().lease(await this.current(), undefined, this.batch))[Symbol.dispose]();
    for (const other of [split?.to, shadow?.model]) {
      if (other !== undefined) await (await this.#channel(other)).refresh();
    }
  }

  /** What follows an answer, and what looks whether a channel moved. Waits for nothing, never rejects. */
  tick(): void {
    for (const channel of this.#open) void channel.refresh();
    void this.#shadow?.run();
  }

  /** Resolves when no channel is being looked at and nothing loads beside what answers. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all(this.#open.map((channel) => channel.refresh()));
  }

  /** This environment is another's snapshot: what channels name was seen then. */
  restored(): void {
    for (const channel of this.#open) channel.expire();
  }

  answered(run: AnsweredRun): void {
    const { shadow } = this.#use;
    if (shadow && onOtherSide(shadow.model, run.requestId, shadow.percent ?? 100)) this.#shadow?.offer(run);
  }

  #channel(reference: string): Promise<Channel> {
    return this.#channels.run(reference, async () => {
      const host = this.#host();
      const start = await host.locked(reference);
      const primary = reference === this.reference;
      const channel = new Channel({
        reference,
        start,
        startAnswers: primary,
        everyMs: this.#use.follow && this.#use.follow.every * 1000,
        lookUp: async (etag) => await (await following()).lookUp(await host.store(), reference, etag),
        load: async (digest) => await this.#load(digest === start.digest ? start : digest, reference),
        moved: (from, to) => host.replace(from, to),
        clock: host.clock,
        log: host.log,
      });
      if (primary) host.replace(undefined, start);
      this.#open.push(channel);
      return channel;
    });
  }

  /** In order of price: a version that cannot stand in for the locked one is not even fetched. */
  async #load(wanted: Digest | LockedVersion, reference: string): Promise<LockedVersion> {
    const host = this.#host();
    const { accepts, resolve } = await following();
    const { model } = parseReference(reference);
    const version = typeof wanted === 'string' ? await resolve(await host.store(), `${model}@${wanted}`) : wanted;
    accepts((await host.locked(this.reference)).signature, version.signature);
    // What the lock file pins was checked when it was written.
    if (wanted !== version) {
      await host.verify(version);
      await this.#use.follow?.verify?.(await host.store(), version);
    }
    using _open = await host.leaseBeside(version, this.batch);
    const answers = reference === this.reference || reference === this.#use.split?.to;
    if (answers) await this.#warmVersion(version);
    return version;
  }

  async #openShadow(shadow: Shadow): Promise<void> {
    const { clock, log } = this.#host();
    const { ShadowRun } = await following();
    // Somebody else may have done so meanwhile.
    this.#shadow ??= new ShadowRun({
      tolerance: shadow.tolerance ?? 1e-3,
      version: async () => (await this.#channel(shadow.model)).current,
      lease: (version) => this.#host().leaseBeside(version, this.batch),
      clock,
      log,
    });
  }
}

/** For versions that the lock file does not name or that nobody waits for: most functions run none. */
const following = () => import('./following.ts');
