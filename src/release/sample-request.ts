// A request that a model answers, made from its signature alone.
import { GlowplugError } from '../core/errors.ts';
import { madeUpFeeds } from '../session/made-up-feeds.ts';
import type { Session } from '../session/session.ts';
import { encodeTensor } from '../tensor/json.ts';

/** Of free dimensions after the first: a token, a patch, a line of text, a picture. */
const lengths = [1, 8, 32, 48, 64, 224];

/**
 * As the Open Inference Protocol has it. Small lengths are tried first: the request is to be read.
 *
 * @throws GlowplugError CONFIG_INVALID when the model takes none of them
 */
export async function sampleRequest(session: Session): Promise<object> {
  let last: unknown;
  for (const length of lengths) {
    const feeds = madeUpFeeds(session.signature, (_name, axis) => (axis === 0 ? 1 : length));
    try {
      await session.run(feeds);
      return { inputs: Object.entries(feeds).map(([name, tensor]) => JSON.parse(encodeTensor(name, tensor))) };
    } catch (error) {
      last = error;
    }
  }
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected the model to run with free dimensions of ${lengths.join(', ')}; it does with none`,
    {
      cause: last,
      remedy:
        'glowplug inspect shows its inputs; make its free dimensions fixed, or begin with glowplug init and no --model.',
    },
  );
}
