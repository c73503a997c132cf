// As much of Secrets Manager as a running app needs: a secret is read, and another value put into it. Values that nobody
// gave are made of the cloud's own credentials: the same at each start, and none stands in a template.
// Source: AWS Secrets Manager API Reference, "GetSecretValue" and "PutSecretValue".
import { hkdfSync, randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isRecord } from '../core/is-record.ts';
import { readLimited } from './read-limited.ts';
import { type Gate, signedBy } from './signed-by.ts';
import { SigV4Error } from './sigv4.ts';
import type { SecretSpec } from './template/secrets.ts';

export const secretsTargets = 'secretsmanager.';

export class LocalSecrets {
  readonly #options: Gate & { readonly seed: string };
  readonly #values = new Map<string, string>();
  #specs: readonly SecretSpec[] = [];

  /** @param options seed: what values are made of */
  constructor(options: Gate & { readonly seed: string }) {
    this.#options = options;
  }

  /** What was put into a secret stays in it. */
  apply(specs: readonly SecretSpec[]): void {
    this.#specs = specs;
  }

  get all(): { readonly id: string; readonly value: string }[] {
    return this.#specs.map((spec) => ({ id: spec.id, value: this.#valueOf(spec) }));
  }

  /** Those that stand in no template. */
  get made(): { readonly id: string; readonly value: string }[] {
    return this.all.filter((_each, at) => typeof this.#specs[at]?.value === 'object');
  }

  readonly listener: RequestListener = (message, response) => {
    this.#answer(message, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return void response.destroy();
      if (error instanceof SigV4Error) return send(response, 400, failure('AccessDeniedException', error.message));
      send(response, 500, failure('InternalServiceError', 'the local cloud failed'));
    });
  };

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readLimited(message, 2 ** 20);
    signedBy(message, body ?? Buffer.alloc(0), this.#options, 'secretsmanager');
    const asked = parse(body);
    const spec = this.#specs.find(({ arn, name }) => asked['SecretId'] === arn || asked['SecretId'] === name);
    const action = `${message.headers['x-amz-target']}`.slice(secretsTargets.length);
    if (action !== 'GetSecretValue' && action !== 'PutSecretValue') {
      const known = 'the local cloud has GetSecretValue and PutSecretValue';
      return send(response, 400, failure('InvalidRequestException', known));
    }
    if (!spec) {
      const missing = "Secrets Manager can't find the specified secret.";
      return send(response, 400, failure('ResourceNotFoundException', missing));
    }
    const { arn, name } = spec;
    const about = { ARN: arn, Name: name, VersionId: randomUUID(), VersionStages: ['AWSCURRENT'] };
    if (action === 'GetSecretValue') return send(response, 200, { ...about, SecretString: this.#valueOf(spec) });
    if (typeof asked['SecretString'] !== 'string') {
      return send(response, 400, failure('InvalidParameterException', 'expected a SecretString'));
    }
    this.#values.set(arn, asked['SecretString']);
    send(response, 200, about);
  }

  #valueOf({ arn, value }: SecretSpec): string {
    const put = this.#values.get(arn);
    if (put !== undefined || typeof value === 'string') return put ?? `${value}`;
    const made = Buffer.from(hkdfSync('sha256', this.#options.seed, '', arn, value.length + 16));
    const text = made
      .toString('base64')
      .replaceAll(/[^a-z0-9]/gi, '')
      .slice(0, value.length);
    return value.template ? JSON.stringify({ ...JSON.parse(value.template), [`${value.key}`]: text }) : text;
  }
}

function parse(body: Buffer | undefined): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(`${body}`);
    return isRecord(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

function failure(type: string, message: string) {
  return { __type: type, message };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(body));
}
