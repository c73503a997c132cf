// A process in which a variant is measured, as the one that measures sees it.
import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GlowplugError } from '../../core/errors.ts';
import type { FromVariant, ToVariant } from './messages.ts';

/** Milliseconds for one visit, or one load. */
const DEADLINE = 120_000;

export class AskedProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  constructor() {
    // Beside this file, in the form in which this file is.
    const file = new URL(`variant-process${extname(import.meta.url)}`, import.meta.url);
    this.#child = fork(fileURLToPath(file), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#ended = new Promise((resolve) => this.#child.once('exit', () => resolve()));
  }

  async ask<K extends FromVariant['kind']>(
    message: ToVariant,
    expected: K,
  ): Promise<Extract<FromVariant, { kind: K }>> {
    const reply = Promise.withResolvers<FromVariant>();
    const ended = () =>
      reply.reject(
        new GlowplugError(
          'SESSION_FAILED',
          'expected an answer of the process that measures, it ended: out of memory, or killed',
        ),
      );
    const late = setTimeout(
      () =>
        reply.reject(
          new GlowplugError(
            'SESSION_FAILED',
            `expected an answer of the process that measures within ${DEADLINE / 1000} s, got none`,
          ),
        ),
      DEADLINE,
    );
    this.#child.once('message', reply.resolve);
    this.#child.once('exit', ended);
    try {
      this.#child.send(message);
      const answer = await reply.promise;
      if (isKind(answer, expected)) return answer;
      throw new GlowplugError(
        'SESSION_FAILED',
        `expected a variant that runs, ${answer.kind === 'failed' ? answer.message : answer.kind}`,
      );
    } finally {
      clearTimeout(late);
      this.#child.off('message', reply.resolve);
      this.#child.off('exit', ended);
    }
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

function isKind<K extends FromVariant['kind']>(
  answer: FromVariant,
  kind: K,
): answer is Extract<FromVariant, { kind: K }> {
  return answer.kind === kind;
}
