// Part of clients whose answers are JSON lines.
import { CallError } from './send.ts';
import { texts } from './texts.ts';

/** JSON lines; an error is the last of them. */
export async function* readLines<T>(response: Response): AsyncGenerator<T, void, undefined> {
  for await (const line of texts(response, '\n')) {
    const value = JSON.parse(line);
    const failed =
      typeof value?.error === 'string' && typeof value.code === 'string' && typeof value.requestId === 'string';
    if (failed) throw new CallError(response.status, value);
    yield value;
  }
}
