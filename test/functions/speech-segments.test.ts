// The streamed segmenter against silero's own algorithm, which looks at the whole recording at once.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Segment, type SegmentOptions, segments } from '../../functions/speech/segments.ts';
import { runs } from '../runs.ts';

const usual = { frame: 512, threshold: 0.5, endThreshold: 0.35, minSpeech: 4000, minSilence: 1600, pad: 480 };

describe('segments of speech', () => {
  it('are those of silero’s get_speech_timestamps, whatever the probabilities and the rules', async () => {
    const seen = { recordings: 0, segments: 0, halved: 0 };
    // Runs of similar frames, as speech and silence come.
    const run = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom(0, 0.2, 0.34, 0.4, 0.5, 0.9));
    const rules = fc.record({
      frame: fc.constant(512),
      threshold: fc.constant(0.5),
      endThreshold: fc.constantFrom(0.35, 0.5),
      minSpeech: fc.integer({ min: 0, max: 6000 }),
      minSilence: fc.integer({ min: 0, max: 4000 }),
      pad: fc.integer({ min: 0, max: 2500 }),
      last: fc.integer({ min: 1, max: 512 }),
    });
    const property = fc.asyncProperty(
      fc.array(run, { maxLength: 30, size: 'max' }),
      rules,
      async (parts, { last, ...given }) => {
        const probabilities = parts.flatMap(([count, value]) => Array.from({ length: count }, () => value));
        const length = Math.max(0, probabilities.length * 512 - 512 + last);
        const found = await Array.fromAsync(segments(probabilities, { ...given, length }));
        expect(found).toEqual(silero(probabilities, { ...given, length }));
        for (const [at, { start, end }] of found.entries()) {
          expect(start).toBeLessThan(end);
          expect(start).toBeGreaterThanOrEqual(found[at - 1]?.end ?? 0);
          expect(end).toBeLessThanOrEqual(length);
          if (start === found[at - 1]?.end) seen.halved++;
        }
        seen.recordings++;
        seen.segments += found.length;
      },
    );
    await fc.assert(property, { numRuns: runs(1000) });
    console.log(
      `segments: ${seen.segments} in ${seen.recordings} recordings as silero finds them, ${seen.halved} that touch`,
    );
  });

  it('come before the recording has ended: as soon as the silence after them is long enough', async () => {
    let asked = 0;
    const probabilities = function* () {
      for (const part of [10, 20, 1000]) for (let n = 0; n < part; n++, asked++) yield part === 20 ? 0.9 : 0;
    };
    const stream = segments(probabilities(), { ...usual, length: 1030 * 512 });
    expect(await stream.next()).toEqual({ done: false, value: { start: 10 * 512 - 480, end: 30 * 512 + 480 } });
    // 1600 samples of silence are four frames, the first of which begins it.
    expect(asked).toBe(30 + 4);
  });

  it('begin at the upper threshold and end below the lower one', async () => {
    const frames = (count: number, value: number) => Array.from({ length: count }, () => value);
    const probabilities = [...frames(5, 0.45), ...frames(10, 0.6), ...frames(10, 0.4), ...frames(10, 0.3)];
    const found = await Array.fromAsync(segments(probabilities, { ...usual, pad: 0, length: 35 * 512 }));
    expect(found).toEqual([{ start: 5 * 512, end: 25 * 512 }]);
  });
});

/** get_speech_timestamps of silero-vad 6 (utils_vad.py), without a longest segment, line for line. */
function silero(probabilities: readonly number[], options: SegmentOptions): Segment[] {
  const { frame, length, threshold, endThreshold, minSpeech, minSilence, pad } = options;
  const speeches: { start: number; end: number }[] = [];
  let [triggered, start, tempEnd] = [false, 0, -1];
  for (const [i, probability] of probabilities.entries()) {
    const current = frame * i;
    if (probability >= threshold && tempEnd >= 0) tempEnd = -1;
    if (probability >= threshold && !triggered) {
      triggered = true;
      start = current;
      continue;
    }
    if (probability < endThreshold && triggered) {
      if (tempEnd < 0) tempEnd = current;
      if (current - tempEnd < minSilence) continue;
      if (tempEnd - start > minSpeech) speeches.push({ start, end: tempEnd });
      [triggered, tempEnd] = [false, -1];
    }
  }
  if (triggered && length - start > minSpeech) speeches.push({ start, end: length });
  for (const [i, speech] of speeches.entries()) {
    if (i === 0) speech.start = Math.max(0, speech.start - pad);
    const next = speeches[i + 1];
    if (!next) {
      speech.end = Math.min(length, speech.end + pad);
      continue;
    }
    const silence = next.start - speech.end;
    const room = silence < 2 * pad ? Math.floor(silence / 2) : pad;
    speech.end = Math.min(length, speech.end + room);
    next.start = Math.max(0, next.start - room);
  }
  return speeches;
}
