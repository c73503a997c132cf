// From probabilities to stretches of speech, by silero's own rules (get_speech_timestamps of silero-vad, MIT), but as they come: a
// segment is told as soon as nothing that follows can change it.

export interface Segment {
  /** In samples: the first, and the one after the last. */
  readonly start: number;
  readonly end: number;
}

export interface SegmentOptions {
  /** Samples behind each probability. */
  readonly frame: number;
  /** Samples of the whole recording. */
  readonly length: number;
  /** Speech begins at this probability … */
  readonly threshold: number;
  /** … and ends below this one: between the two it goes on as it is. */
  readonly endThreshold: number;
  /** Samples. Shorter speech is a click or a cough. */
  readonly minSpeech: number;
  /** Samples. A shorter silence is a breath within speech. */
  readonly minSilence: number;
  /** Samples added on each side, so that no consonant is cut; of a silence shorter than two of them each side gets half. */
  readonly pad: number;
}

export async function* segments(
  probabilities: AsyncIterable<number> | Iterable<number>,
  { frame, length, threshold, endThreshold, minSpeech, minSilence, pad }: SegmentOptions,
): AsyncGenerator<Segment> {
  /** Where the speech began that goes on; where within it the silence began that may end it. */
  let start: number | undefined;
  let silence: number | undefined;
  /** The last segment found, its end not padded yet: the next may be near. */
  let held: Segment | undefined;
  const hold = (from: number, to: number): Segment | undefined => {
    const room = held ? Math.floor((from - held.end) / 2) : pad;
    const done = held && { start: held.start, end: held.end + room };
    held = { start: Math.max(0, from - room), end: to };
    return done;
  };

  let now = 0;
  for await (const probability of probabilities) {
    if (probability >= threshold) {
      silence = undefined;
      start ??= now;
    } else if (probability < endThreshold && start !== undefined) {
      silence ??= now;
      if (now - silence >= minSilence) {
        const done = silence - start > minSpeech ? hold(start, silence) : undefined;
        if (done) yield done;
        [start, silence] = [undefined, undefined];
      }
    }
    now += frame;
    if (held && (start ?? now) - held.end >= 2 * pad) {
      yield { start: held.start, end: Math.min(length, held.end + pad) };
      held = undefined;
    }
  }
  // Who speaks to the end of the recording is cut off by it, not by a silence.
  if (start !== undefined && length - start > minSpeech) {
    const done = hold(start, length);
    if (done) yield done;
  }
  if (held) yield { start: held.start, end: Math.min(length, held.end + pad) };
}
