// Part of clients whose answers come as texts with a separator after each.
import { chunks } from './chunks.ts';
import { CallError } from './send.ts';

export async function* texts(response: Response, separator: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks(response)) {
    const [...whole] = (rest + decoder.decode(chunk, { stream: true })).split(separator);
    rest = whole.pop() ?? '';
    yield* whole;
  }
  // What is not closed by a separator was cut off.
  if (rest.trim() !== '') throw new CallError(response.status, { error: 'the answer broke off inside a part' });
}
