// WAV files for tests, with whatever a test wants to be wrong.

export interface WavParts {
  readonly formatTag?: number;
  readonly bits?: number;
  readonly channels?: number;
  readonly sampleRate?: number;
  readonly samples?: Uint8Array;
  /** As WAVEFORMATEXTENSIBLE. */
  readonly extensible?: boolean;
  /** What the data chunk says of its length. */
  readonly dataSize?: number;
  /** Chunks between fmt and data. */
  readonly between?: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly blockAlign?: number;
}

export function makeWav(parts: WavParts = {}): Uint8Array {
  const {
    formatTag = 1,
    bits = 16,
    channels = 1,
    sampleRate = 16_000,
    samples = new Uint8Array(0),
    extensible,
  } = parts;
  const align = parts.blockAlign ?? (channels * bits) / 8;
  const head = Buffer.alloc(extensible ? 40 : 16);
  head.writeUInt16LE(extensible ? 0xfffe : formatTag, 0);
  head.writeUInt16LE(channels, 2);
  head.writeUInt32LE(sampleRate, 4);
  head.writeUInt32LE((sampleRate * align) % 2 ** 32, 8);
  head.writeUInt16LE(align % 65_536, 12);
  head.writeUInt16LE(bits, 14);
  if (extensible) {
    head.writeUInt16LE(22, 16);
    head.writeUInt16LE(bits, 18);
    head.writeUInt16LE(formatTag, 24);
    Buffer.from('000000001000800000aa00389b71', 'hex').copy(head, 26);
  }
  const chunks = [
    chunk('fmt ', head),
    ...(parts.between ?? []).map(({ name, bytes }) => chunk(name, bytes)),
    chunk('data', samples, parts.dataSize),
  ];
  const body = Buffer.concat([Buffer.from('WAVE'), ...chunks]);
  const riff = Buffer.alloc(8);
  riff.write('RIFF');
  riff.writeUInt32LE(body.length, 4);
  return Uint8Array.from(Buffer.concat([riff, body]));
}

/** Samples of ±1 as 16-bit PCM. */
export function sixteenBits(samples: ArrayLike<number>): Uint8Array {
  const bytes = Buffer.alloc(samples.length * 2);
  for (let at = 0; at < samples.length; at++) {
    bytes.writeInt16LE(Math.max(-32_768, Math.min(32_767, Math.round(samples[at]! * 32_768))), at * 2);
  }
  return bytes;
}

function chunk(name: string, bytes: Uint8Array, size = bytes.length): Buffer {
  const head = Buffer.alloc(8);
  head.write(name, 'latin1');
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, bytes, Buffer.alloc(bytes.length % 2)]);
}
