// What fauxqs drops of a message: the X-Ray header of whoever sent it. It is kept here by the message's id, and put back into what
// is received, as SQS does. Source: SQS API Reference, MessageSystemAttributeValue and ReceiveMessage.
import { isRecord } from '../../core/is-record.ts';

/** Of messages that nobody takes out of their queue: the oldest go first. */
const mostKept = 10_000;
const attribute = 'AWSTraceHeader';

export class TraceHeaders {
  readonly #kept = new Map<string, string>();

  /** The answer to a request of SQS, as SQS would have given it. `action`: such as `SendMessage`. */
  complete(action: string, request: string | Buffer, answer: string): string {
    if (action === 'ReceiveMessage') return this.#kept.size === 0 ? answer : this.#received(parse(request), answer);
    if (!/^SendMessage(Batch)?$/.test(action) || !request.includes(attribute)) return answer;
    const [asked, given] = [parse(request), parse(answer)];
    const sent = list(asked['Entries'] ?? [asked]);
    const ids = list(given['Successful'] ?? [given]);
    for (const entry of sent) {
      const id = ids.find(({ Id }) => Id === entry['Id'])?.['MessageId'];
      const header = Object(Object(entry['MessageSystemAttributes'])[attribute]).StringValue;
      if (typeof id === 'string' && typeof header === 'string') this.#keep(id, header);
    }
    return answer;
  }

  #received({ AttributeNames, MessageSystemAttributeNames }: Entry, answer: string): string {
    const names = [AttributeNames, MessageSystemAttributeNames].flat();
    if (!names.includes('All') && !names.includes(attribute)) return answer;
    const { Messages, ...more } = parse(answer);
    if (!Array.isArray(Messages)) return answer;
    const whole = list(Messages).map((message) => {
      const header = this.#kept.get(`${message['MessageId']}`);
      return header === undefined
        ? message
        : { ...message, Attributes: { ...Object(message['Attributes']), [attribute]: header } };
    });
    return JSON.stringify({ ...more, Messages: whole });
  }

  #keep(id: string, header: string): void {
    this.#kept.set(id, header);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest);
  }
}

type Entry = Readonly<Record<string, unknown>>;

function parse(json: string | Buffer): Entry {
  try {
    const value: unknown = JSON.parse(json.toString());
    return isRecord(value) ? value : {};
  } catch {
    // fauxqs has said what is wrong with it.
    return {};
  }
}

function list(value: unknown): Entry[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
