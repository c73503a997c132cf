// Requests and answers that do without the platform's own: the first touch of Request, Response or Headers loads undici, 35 ms
// of CPU in every cold start. What glowplug itself makes and reads is light; code of the function's owner meets the real ones.

export type HttpRequest = Request | LightRequest;
export type HttpResponse = Response | LightResponse;
type Body = string | Uint8Array<ArrayBuffer>;

export class LightHeaders {
  readonly #values = new Map<string, string[]>();

  constructor(entries: Iterable<readonly [string, string]> = []) {
    for (const [name, value] of entries) this.append(name, value);
  }

  get(name: string): string | null {
    const key = name.toLowerCase();
    return this.#values.get(key)?.join(key === 'cookie' ? '; ' : ', ') ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.#values.set(name.toLowerCase(), [String(value).trim()]);
  }

  append(name: string, value: string): void {
    const key = name.toLowerCase();
    this.#values.set(key, [...(this.#values.get(key) ?? []), String(value).trim()]);
  }

  getSetCookie(): string[] {
    return [...(this.#values.get('set-cookie') ?? [])];
  }

  /** As the standard has it: by name, each cookie that is set for itself. */
  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (const name of [...this.#values.keys()].sort()) {
      if (name !== 'set-cookie') yield [name, this.get(name) ?? ''];
      else for (const cookie of this.getSetCookie()) yield [name, cookie];
    }
  }
}

export class LightRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: LightHeaders;
  readonly #body: Body | undefined;

  /** @throws TypeError for what is no URL */
  constructor(
    url: string,
    { method, headers, body }: { readonly method: string; readonly headers: LightHeaders; readonly body?: Body },
  ) {
    this.url = new URL(url).href;
    this.method = method.toUpperCase();
    this.headers = headers;
    this.#body = body;
    if (typeof body === 'string' && !headers.has('content-type'))
      headers.set('content-type', 'text/plain;charset=UTF-8');
  }

  get body(): Iterable<Uint8Array> | null {
    return this.#body === undefined ? null : [bytesOf(this.#body)];
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return arrayBufferOf(this.#body);
  }

  async text(): Promise<string> {
    return textOf(this.#body);
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  /** The platform's own, for who may ask it for anything. */
  toRequest(): Request {
    const body = this.#body === undefined ? {} : { body: this.#body };
    return new Request(this.url, { method: this.method, headers: [...this.headers], ...body });
  }
}

interface ResponseInit {
  readonly status?: number;
  readonly headers?: LightHeaders | Readonly<Record<string, string>>;
}

export class LightResponse {
  readonly status: number;
  readonly headers: LightHeaders;
  readonly #body: Body | undefined;

  constructor(body?: Body, { status = 200, headers = {} }: ResponseInit = {}) {
    this.status = status;
    this.headers = headers instanceof LightHeaders ? headers : new LightHeaders(Object.entries(headers));
    this.#body = body;
  }

  /** @throws TypeError for what JSON cannot say: undefined, a function */
  static json(
    value: unknown,
    { status, headers }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ): LightResponse {
    const body: string | undefined = JSON.stringify(value);
    if (body === undefined) throw new TypeError(`expected a value that JSON can say, got ${typeof value}`);
    return new LightResponse(body, {
      ...(status === undefined ? {} : { status }),
      headers: { 'content-type': 'application/json', ...headers },
    });
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#body === undefined ? null : ReadableStream.from([bytesOf(this.#body)]);
  }

  async text(): Promise<string> {
    return textOf(this.#body);
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return arrayBufferOf(this.#body);
  }

  /** The platform's own, for who may ask it for anything. */
  toResponse(): Response {
    return new Response(this.#body ?? null, { status: this.status, headers: [...this.headers] });
  }
}

export function standardRequest(request: HttpRequest): Request {
  return request instanceof LightRequest ? request.toRequest() : request;
}

export function standardResponse(response: HttpResponse): Response {
  return response instanceof LightResponse ? response.toResponse() : response;
}

/** What can be read more than once. */
export async function lightResponse(response: HttpResponse): Promise<LightResponse> {
  if (response instanceof LightResponse) return response;
  const { status, headers } = response;
  const body = new Uint8Array(await response.arrayBuffer());
  return new LightResponse(body, { status, headers: new LightHeaders(headers) });
}

function bytesOf(body: Body): Uint8Array<ArrayBuffer> {
  return typeof body === 'string' ? Buffer.from(body) : body;
}

function textOf(body: Body = ''): string {
  return typeof body === 'string' ? body : new TextDecoder().decode(body);
}

function arrayBufferOf(body: Body = ''): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytesOf(body);
  return buffer.slice(byteOffset, byteOffset + byteLength);
}
