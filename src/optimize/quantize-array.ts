// Floats as whole numbers of 8 bits: scale and zero point from a range, and weights channel by channel.

export interface Affine {
  readonly scale: number;
  /** What 0 becomes. */
  readonly zeroPoint: number;
}

export interface ChannelWeights {
  /** The same order as the floats. */
  readonly data: Int8Array;
  /** One a channel; the zero point of each is 0. */
  readonly scales: Float32Array;
}

/** The smallest scale: below it 1 / scale is no float any more. A channel of zeros has it. */
const LEAST_SCALE = 2 ** -100;

/** For UINT8 over [min, max], widened so that 0, which padding and ReLU make, is exact. */
export function affineOf(min: number, max: number): Affine {
  const low = Math.min(0, min);
  const scale = Math.max(Math.fround((Math.max(0, max) - low) / 255), LEAST_SCALE);
  return { scale, zeroPoint: Math.min(255, Math.max(0, roundEven(-low / scale))) };
}

/**
 * Symmetric INT8 in ±127 with a scale for each index of `axis`.
 *
 * @example
 * quantizeChannels(Float32Array.of(1, -2, 0.5, 0), [2, 2], 0).data; // Int8Array [64, -127, 127, 0]
 */
export function quantizeChannels(values: Float32Array, dims: readonly number[], axis: number): ChannelWeights {
  const channels = dims[axis] ?? 1;
  const inner = dims.slice(axis + 1).reduce((product, length) => product * length, 1);
  const scales = new Float32Array(channels);
  for (let from = 0, channel = 0; from < values.length; from += inner, channel = (channel + 1) % channels) {
    let most = scales[channel]!;
    for (let at = from; at < from + inner; at++) most = Math.max(most, Math.abs(values[at]!));
    scales[channel] = most;
  }
  for (let channel = 0; channel < channels; channel++) scales[channel] = Math.max(scales[channel]! / 127, LEAST_SCALE);
  const data = new Int8Array(values.length);
  for (let from = 0, channel = 0; from < values.length; from += inner, channel = (channel + 1) % channels) {
    const scale = scales[channel]!;
    for (let at = from; at < from + inner; at++)
      data[at] = Math.max(-127, Math.min(127, roundEven(values[at]! / scale)));
  }
  return { data, scales };
}

/** Ties to the even number, as onnxruntime rounds. */
export function roundEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}
