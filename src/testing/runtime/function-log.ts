// A function's log, as CloudWatch would show it: the newest part is kept, and every line goes on to who listens.

/** Bytes of the log that X-Amz-Log-Result carries. */
const tailBytes = 4096;
/** Characters that `text` keeps: some ten thousand lines. */
const keptCharacters = 1_000_000;

/** A line, and the environment that wrote it; empty for the local cloud's own. */
export type OnLine = (line: string, environment: string) => void;

export class FunctionLog {
  readonly #onLine: OnLine | undefined;
  #text = '';

  constructor(onLine?: OnLine) {
    this.#onLine = onLine;
  }

  get text(): string {
    return this.#text;
  }

  /** A line of the local cloud's own. */
  note(line: string): void {
    this.#write(`${line}\n`, '');
  }

  /** One environment's part: its lines stay whole however the environments' output interleaves. */
  stream(environment: string, change: (lines: string) => string = (lines) => lines): LogStream {
    return new LogStream((lines) => this.#write(change(lines), environment));
  }

  #write(lines: string, environment: string): void {
    this.#text += lines;
    if (this.#text.length > 2 * keptCharacters) this.#text = this.#text.slice(-keptCharacters);
    if (this.#onLine) for (const line of lines.split('\n').slice(0, -1)) this.#onLine(line, environment);
  }
}

export class LogStream {
  readonly #write: (lines: string) => void;
  readonly #decoder = new TextDecoder();
  #partial = '';
  #tail: Buffer[] = [];

  constructor(write: (lines: string) => void) {
    this.#write = write;
  }

  append(chunk: Buffer | string): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    this.#tail.push(bytes);
    if (this.#tail.length > 64) this.#tail = [this.#joined()];
    const text = this.#partial + this.#decoder.decode(bytes, { stream: true });
    const end = text.lastIndexOf('\n') + 1;
    this.#partial = text.slice(end);
    if (end > 0) this.#write(text.slice(0, end));
  }

  /** Ends a line that the function left open, so that the platform's line stands alone. */
  endLine(): void {
    if (this.#partial !== '') this.append('\n');
  }

  startTail(): void {
    this.#tail = [];
  }

  /** The last 4 KB since `startTail`. */
  tail(): string {
    return this.#joined().toString();
  }

  #joined(): Buffer {
    return Buffer.concat(this.#tail).subarray(-tailBytes);
  }
}
