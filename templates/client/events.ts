// Part of clients whose answers are server-sent events.
import { CallError } from './send.ts';
import { texts } from './texts.ts';

/** Server-sent events; an error is an event of that name. */
export async function* readEvents<T>(response: Response): AsyncGenerator<T, void, undefined> {
  for await (const event of texts(response, '\n\n')) {
    const value = JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? 'null');
    if (event.startsWith('event: error')) throw new CallError(response.status, value);
    yield value;
  }
}
