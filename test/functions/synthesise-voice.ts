// A voice made of nothing but arithmetic: a buzz through four resonators (D. H. Klatt, "Software for a cascade/parallel formant
// synthesizer", 1980), which silero takes for speech. It says syllables of no language, so nobody's recording need be committed.

const RATE = 16_000;

/** Formants in Hz, and their bandwidths: a man's vowels (Peterson and Barney, 1952). */
const vowels = {
  a: [730, 1090, 2440, 3400],
  e: [530, 1840, 2480, 3500],
  i: [270, 2290, 3010, 3600],
  o: [570, 840, 2410, 3300],
  u: [300, 870, 2240, 3300],
} as const;
const bandwidths = [80, 100, 140, 200];

export interface Utterance {
  /** Each a consonant's hiss or pause and a vowel. */
  readonly syllables: readonly (keyof typeof vowels)[];
  /** Seconds. */
  readonly from: number;
}

/** A recording of `seconds` at 16 kHz with the utterances in it, over a faint noise. */
export function synthesiseVoice(seconds: number, utterances: readonly Utterance[]): Float32Array {
  const samples = Float32Array.from({ length: seconds * RATE }, noiseSource(7, 0.0005));
  for (const { syllables, from } of utterances) speak(samples, Math.round(from * RATE), syllables);
  return samples;
}

/** Seconds of one syllable: a tenth of hiss, the rest vowel. */
export const SYLLABLE = 0.22;

function speak(samples: Float32Array, from: number, syllables: Utterance['syllables']): void {
  const noise = noiseSource(11, 1);
  const filters = bandwidths.map(() => resonator());
  let phase = 0;
  const length = Math.round(SYLLABLE * RATE);
  for (const [index, vowel] of syllables.entries()) {
    const next = syllables[index + 1] ?? vowel;
    for (let n = 0; n < length; n++) {
      const part = n / length;
      // Falling, as a sentence does, with the tremor of a throat.
      const pitch = 125 - (25 * (index + part)) / syllables.length + 3 * Math.sin(from / 7 + n / 900);
      phase += pitch / RATE;
      if (phase >= 1) phase -= 1;
      // The throat is open for six tenths of its period, and shuts faster than it opens.
      const open = phase < 0.6 ? Math.sin((Math.PI * phase) / 0.6) ** 2 * (phase < 0.45 ? 1 : 2.2) : 0;
      const voiced = Math.min(1, Math.max(0, (part - 0.08) * 12)) * Math.min(1, (1 - part) * 10);
      let value = (open - 0.4) * voiced + noise() * (0.03 * voiced + (part < 0.12 ? 0.25 : 0));
      for (const [k, filter] of filters.entries()) {
        const hz = vowels[vowel][k]! + (vowels[next][k]! - vowels[vowel][k]!) * Math.max(0, part - 0.7) * 2;
        value = filter(value, hz, bandwidths[k]!);
      }
      if (from + index * length + n < samples.length) samples[from + index * length + n]! += value * 0.12;
    }
  }
}

/** Klatt's second-order resonator, of gain 1 at 0 Hz. */
function resonator(): (x: number, hz: number, bandwidth: number) => number {
  let [y1, y2] = [0, 0];
  return (x, hz, bandwidth) => {
    const c = -Math.exp((-2 * Math.PI * bandwidth) / RATE);
    const b = 2 * Math.exp((-Math.PI * bandwidth) / RATE) * Math.cos((2 * Math.PI * hz) / RATE);
    const y = (1 - b - c) * x + b * y1 + c * y2;
    [y1, y2] = [y, y1];
    return y;
  };
}

/** Numbers between ±`level`, always the same. */
function noiseSource(seed: number, level: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * level;
  };
}
