// Audio at another sample rate: a windowed-sinc low-pass, of which each output sample uses one phase (polyphase).
import { GlowplugError } from '../core/errors.ts';

/** Zero crossings of the sinc on each side; with the window below the band's upper sixth is where it falls. */
const CROSSINGS = 32;
/** Kaiser's β for 90 dB. A 16-bit recording has 96 dB of range, and loses some to noise. */
const BETA = 8.96;
/** Half of the transition, in parts of the lower rate: the stop band begins where aliases would. (A − 8) / (2.285 · 2π · 2 · crossings). */
const HALF_TRANSITION = (90 - 8) / (2.285 * 2 * Math.PI * 2 * CROSSINGS) / 2;

/**
 * `samples` of rate `from` at rate `to`, in phase: sample n of the answer is the signal at n / `to` seconds. Up to 0.41 of the lower
 * rate tones keep their level to 0.001; what would alias is 85 dB down.
 *
 * @throws GlowplugError INPUT_AUDIO for rates that are no whole numbers above 0
 * @example
 * resample(samples, 44_100, 16_000)
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  for (const rate of [from, to]) {
    if (!Number.isSafeInteger(rate) || rate < 1)
      throw new GlowplugError('INPUT_AUDIO', `expected a sample rate of whole Hz, got ${rate}`);
  }
  if (from === to) return samples;
  const divisor = gcd(from, to);
  const [up, down] = [to / divisor, from / divisor];
  /** Samples of the input on each side of a sample of the output. */
  const reach = Math.ceil(CROSSINGS * Math.max(1, down / up));
  const cutoff = (0.5 - HALF_TRANSITION) * Math.min(1, up / down);
  // Rates that share no divisor have thousands of phases: a short recording needs few of them.
  const phases = new Map<number, Float32Array>();
  const result = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let n = 0; n < result.length; n++) {
    const centre = Math.floor((n * down) / up);
    const phase = (n * down) % up;
    let taps = phases.get(phase);
    if (!taps) {
      taps = makeTaps(phase / up, reach, cutoff);
      phases.set(phase, taps);
    }
    const first = centre - reach + 1;
    const start = Math.max(0, -first);
    const end = Math.min(taps.length, samples.length - first);
    let sum = 0;
    for (let i = start; i < end; i++) sum += taps[i]! * samples[first + i]!;
    result[n] = sum;
  }
  return result;
}

/** For an output `fraction` of a sample after an input: the weights of 2 · reach inputs. They add up to 1, so that silence stays silent. */
function makeTaps(fraction: number, reach: number, cutoff: number): Float32Array {
  const taps = Float64Array.from({ length: 2 * reach }, (_, i) => {
    const distance = i - reach + 1 - fraction;
    return sinc(2 * cutoff * distance) * kaiser(distance / reach);
  });
  const total = taps.reduce((sum, tap) => sum + tap, 0);
  return Float32Array.from(taps, (tap) => tap / total);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The window at −1 to 1. J. F. Kaiser, 1974. */
function kaiser(x: number): number {
  return Math.abs(x) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - x * x)) / bessel(BETA);
}

/** The modified Bessel function of the first kind and order 0, by its series. */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
