// The resampler against theory: what it passes, what it stops, and where in time it puts things.
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { resample } from '../../src/tensor/resample.ts';
import { runs } from '../runs.ts';

const rates = [8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];
const rate = fc.constantFrom(...rates);
const seen = { passed: 0, stopped: 0, worstPassed: 0, worstStopped: 0 };

describe('resample', () => {
  it('gives a tone below 0.41 of the lower rate its level and its phase, whatever the two rates', () => {
    const part = fc.double({ min: 0.002, max: 0.41, noNaN: true });
    const property = fc.property(
      rate,
      rate,
      part,
      fc.double({ min: 0, max: 6, noNaN: true }),
      (from, to, share, phase) => {
        const hz = share * Math.min(from, to);
        const ideal = tone(hz, to, phase, Math.ceil((2000 * to) / from));
        const found = resample(tone(hz, from, phase, 2000), from, to);
        expect(found.length).toBe(ideal.length);
        const worst = middle(found).reduce(
          (most, value, at) => Math.max(most, Math.abs(value - middle(ideal)[at]!)),
          0,
        );
        seen.passed++;
        seen.worstPassed = Math.max(seen.worstPassed, worst);
        expect(worst).toBeLessThan(1e-3);
      },
    );
    fc.assert(property, { numRuns: runs(150) });
  });

  it('keeps out what would come back as another tone: 85 dB down', () => {
    const property = fc.property(rate, rate, fc.double({ min: 0.5, max: 1, noNaN: true }), (one, other, share) => {
      fc.pre(one !== other);
      const [to, from] = one < other ? [one, other] : [other, one];
      // From half the new rate, where aliases begin, to half the old one, where tones end.
      const hz = to / 2 + (share - 0.5) * (from - to) * 0.98;
      const level = Math.max(...middle(resample(tone(hz, from, 1, 4000), from, to)).map(Math.abs));
      seen.stopped++;
      seen.worstStopped = Math.max(seen.worstStopped, level);
      expect(level).toBeLessThan(10 ** (-85 / 20));
    });
    fc.assert(property, { numRuns: runs(100) });
  });

  afterAll(() => {
    const decibels = (20 * Math.log10(seen.worstStopped)).toFixed(1);
    console.log(
      `resample: ${seen.passed} tones passed, at worst ${seen.worstPassed.toExponential(1)} off; ${seen.stopped} aliases, at worst ${decibels} dB`,
    );
  });

  it('keeps a constant as it is', () => {
    for (const to of rates) {
      const found = middle(resample(new Float32Array(3000).fill(0.5), 44_100, to));
      expect(Math.max(...found.map((value) => Math.abs(value - 0.5)))).toBeLessThan(1e-6);
    }
  });

  it('puts a click where it was', () => {
    const samples = new Float32Array(4410);
    samples[2205] = 1;
    const found = resample(samples, 44_100, 16_000);
    expect(found.indexOf(Math.max(...found))).toBe(800);
  });

  it('answers the same samples for the same rate, and none for none', () => {
    const samples = Float32Array.of(1, 2, 3);
    expect(resample(samples, 8000, 8000)).toBe(samples);
    expect(resample(new Float32Array(0), 44_100, 16_000)).toHaveLength(0);
  });

  it('takes rates without a common divisor', () => {
    expect(resample(tone(100, 44_101, 0, 5000), 44_101, 16_000)).toHaveLength(Math.ceil((5000 * 16_000) / 44_101));
  });

  it.each([0, -8000, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a rate of %s', (wrong) => {
    expect(() => resample(new Float32Array(4), wrong, 16_000)).toThrow(
      expect.objectContaining({ code: 'INPUT_AUDIO' }),
    );
  });
});

function tone(hz: number, sampleRate: number, phase: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, n) => Math.sin((2 * Math.PI * hz * n) / sampleRate + phase));
}

/** Without the ends, where the filter reaches past the recording. */
function middle(samples: Float32Array): Float32Array {
  const end = Math.ceil(samples.length * 0.25);
  return samples.subarray(end, samples.length - end);
}
