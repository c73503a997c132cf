// Recordings in every form that is taken, and every way in which one can be wrong.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { audio } from '../../src/handler/audio-input.ts';
import { createContext } from '../../src/handler/context.ts';
import { decodeAudio } from '../../src/tensor/audio.ts';
import { runs } from '../runs.ts';
import { makeWav, sixteenBits, type WavParts } from './make-wav.ts';

const limits = { maxSeconds: 10, maxChannels: 4 };

describe('decodeAudio decodes', () => {
  const tone = Array.from({ length: 400 }, (_, n) => 0.9 * Math.sin(n / 7));

  it.each([
    [
      '8 bits',
      { bits: 8 },
      1 / 128,
      (view: DataView, at: number, x: number) => view.setUint8(at, Math.round(x * 128) + 128),
    ],
    ['16 bits', { bits: 16 }, 1e-4, (view: DataView, at: number, x: number) => view.setInt16(at, x * 32_767, true)],
    ['24 bits', { bits: 24 }, 1e-6, (view: DataView, at: number, x: number) => setInt24(view, at, x)],
    [
      '32 bits',
      { bits: 32 },
      1e-7,
      (view: DataView, at: number, x: number) => view.setInt32(at, x * 2_147_483_647, true),
    ],
    [
      'floats',
      { formatTag: 3, bits: 32 },
      1e-7,
      (view: DataView, at: number, x: number) => view.setFloat32(at, x, true),
    ],
    [
      'doubles',
      { formatTag: 3, bits: 64 },
      1e-7,
      (view: DataView, at: number, x: number) => view.setFloat64(at, x, true),
    ],
  ] as const)('%s, plain and extensible', (_what, parts, tolerance, write) => {
    const samples = new Uint8Array((tone.length * parts.bits) / 8);
    const view = new DataView(samples.buffer);
    for (const [n, x] of tone.entries()) write(view, (n * parts.bits) / 8, x);
    for (const extensible of [false, true]) {
      const { data, sampleRate } = decodeAudio(makeWav({ ...parts, samples, extensible }), '', 16_000, limits);
      expect(sampleRate).toBe(16_000);
      expect(data).toHaveLength(tone.length);
      expect(Math.max(...data.map((value, n) => Math.abs(value - tone[n]!)))).toBeLessThan(tolerance + 1e-7);
    }
  });

  // The ends and the middle of each table, as ITU-T G.711 and every implementation of it has them.
  it.each([
    ['µ-law', 7, [0xff, 0x80, 0x00, 0xef, 0x6f], [0, 32_124, -32_124, 132, -132]],
    ['A-law', 6, [0xd5, 0x55, 0xaa, 0x2a, 0xc5], [8, -8, 32_256, -32_256, 264]],
  ])('%s as the standard says', (_what, formatTag, bytes, values) => {
    const wav = makeWav({ formatTag, bits: 8, samples: Uint8Array.from(bytes) });
    expect([...decodeAudio(wav, '', 16_000, limits).data].map((value) => value * 32_768)).toEqual(values);
  });

  it('channels as their mean', () => {
    const samples = sixteenBits([0.5, -0.25, 0.25, 0.25]);
    expect([...decodeAudio(makeWav({ channels: 2, samples }), '', 16_000, limits).data]).toEqual([0.125, 0.25]);
  });

  it.each([
    ['audio/L16;rate=16000', [0x40, 0x00, 0xc0, 0x00]],
    ['audio/l16; channels=1; rate=16000', [0x40, 0x00, 0xc0, 0x00]],
    ['audio/L24;rate=16000', [0x40, 0, 0, 0xc0, 0, 0]],
    ['audio/pcm;rate=16000', [0x00, 0x40, 0x00, 0xc0]],
  ])('raw samples of %s', (contentType, bytes) => {
    expect([...decodeAudio(Uint8Array.from(bytes), contentType, 16_000, limits).data]).toEqual([0.5, -0.5]);
  });

  it('telephony’s types at 8000 Hz where they name no rate', () => {
    for (const type of ['audio/basic', 'audio/PCMU', 'audio/PCMA']) {
      expect(decodeAudio(new Uint8Array(800), type, 16_000, limits).data).toHaveLength(1600);
    }
  });

  it('past chunks it does not know, of odd lengths, too', () => {
    const between = [
      { name: 'LIST', bytes: Buffer.from('odd') },
      { name: 'fact', bytes: new Uint8Array(4) },
    ];
    expect(decodeAudio(makeWav({ between, samples: sixteenBits([0.5]) }), '', 16_000, limits).data[0]).toBe(0.5);
  });

  it.each([0, 0xffff_ffff, 0x7fff_ffff])('to the end of the file where a pipe wrote %i for the length', (dataSize) => {
    const wav = makeWav({ dataSize, samples: sixteenBits([0.5, 0.25]) });
    expect([...decodeAudio(wav, 'audio/wav', 16_000, limits).data]).toEqual([0.5, 0.25]);
  });
});

describe('decodeAudio refuses', () => {
  const wav = (parts: WavParts) => makeWav({ samples: sixteenBits([0.1, 0.2]), ...parts });

  it.each([
    ['another format', wav({ formatTag: 2, bits: 4, blockAlign: 1 }), /format 2 of 4 bits/],
    ['bits that no format has', wav({ bits: 12, blockAlign: 2 }), /format 1 of 12 bits/],
    ['no channel', wav({ channels: 0 }), /at least one channel/],
    ['frames of another length than its format says', wav({ blockAlign: 3 }), /frames of 2 bytes/],
    ['samples that are cut off', wav({ dataSize: 400 }), /400 bytes of samples.*cut off/],
    ['half a frame', wav({ dataSize: 3 }), /whole frames/],
    ['a rate of nothing', wav({ sampleRate: 0 }), /4000 to 192000 Hz, got 0/],
    ['a rate that no recorder has', wav({ sampleRate: 4_000_000_000 }), /got 4000000000/],
    ['a recording of no samples', makeWav(), /without any/],
    ['a file that ends in its header', wav({}).subarray(0, 30), /fmt chunk/],
    ['a file without data', wav({}).subarray(0, 38), /ends before it/],
    [
      'samples that are no numbers',
      makeWav({ formatTag: 3, bits: 32, samples: new Uint8Array(4).fill(255) }),
      /got NaN in frame 0/,
    ],
    ['MP3', Buffer.from('ID3\x04aaaaaaaaaaaa'), /got MP3/],
    ['Ogg', Buffer.from('OggSaaaaaaaaaaaa'), /got Ogg/],
    ['M4A', Buffer.from('\0\0\0\x20ftypM4A aaaa'), /got MP4 or M4A/],
    ['text', Buffer.from('hello'), /5 bytes that begin like none/],
  ])('%s', (_what, bytes, message) => {
    expect(() => decodeAudio(bytes, 'audio/wav', 16_000, limits)).toThrow(
      expect.objectContaining({ code: 'INPUT_AUDIO', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['audio/L16', 4, /audio\/l16;rate=16000;channels=1/],
    ['audio/L16;rate=loud', 4, /rate=16000/],
    ['audio/L16;rate=16000;channels=-2', 4, /channels=1/],
    ['audio/L16;rate=16000', 3, /whole frames of 2 bytes, got 3/],
  ])('raw samples of %s and %i bytes', (contentType, length, message) => {
    expect(() => decodeAudio(new Uint8Array(length), contentType, 16_000, limits)).toThrow(
      expect.objectContaining({ code: 'INPUT_AUDIO', message: expect.stringMatching(message) }),
    );
  });

  it('a recording over a limit by its header, before it decodes', () => {
    const long = new Uint8Array(16_000 * 2 * 11);
    const refusal = (message: string) => expect.objectContaining({ code: 'INPUT_TOO_LARGE', message });
    expect(() => decodeAudio(makeWav({ samples: long }), '', 16_000, limits)).toThrow(
      refusal('expected at most 10 seconds (maxSeconds), got 11.0'),
    );
    expect(() => decodeAudio(makeWav({ channels: 5, samples: new Uint8Array(10) }), '', 16_000, limits)).toThrow(
      refusal('expected at most 4 channels (maxChannels), got 5'),
    );
  });

  it('or decodes, but never fails otherwise, whatever a hostile header says', () => {
    const seen = { files: 0, decoded: 0, refused: 0 };
    const base = makeWav({
      channels: 2,
      samples: sixteenBits(Array.from({ length: 64 }, (_, n) => Math.sin(n))),
      extensible: true,
    });
    const change = fc.record({
      at: fc.integer({ min: 0, max: 80 }),
      value: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 255 })),
    });
    const cut = fc.oneof(
      { weight: 3, arbitrary: fc.constant(base.length) },
      { weight: 1, arbitrary: fc.nat(base.length) },
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), cut, (changes, length) => {
        const bytes = base.slice(0, length);
        for (const { at, value } of changes) if (at < bytes.length) bytes[at] = value;
        seen.files++;
        try {
          const { data } = decodeAudio(bytes, 'audio/wav', 16_000, limits);
          // 64 frames of a sample rate of at least 4000 Hz.
          expect(data.length).toBeLessThanOrEqual(128 * 4 * 2);
          seen.decoded++;
        } catch (error) {
          if (!(error instanceof GlowplugError)) throw error;
          expect(['INPUT_AUDIO', 'INPUT_TOO_LARGE']).toContain(error.code);
          seen.refused++;
        }
      }),
      { numRuns: runs(5000) },
    );
    console.log(
      `audio: ${seen.files} hostile files, ${seen.refused} refused, ${seen.decoded} decoded within the limits`,
    );
  });
});

describe('audio()', () => {
  const input = audio({ sampleRate: 16_000, maxSeconds: 10, maxBytes: 4000 });
  const file = makeWav({ sampleRate: 8000, samples: sixteenBits([0.5, 0.5, 0.5, 0.5]) });
  const ask = async (contentType: string, body: string | Uint8Array<ArrayBuffer>) => {
    const request = new Request('http://localhost/', {
      method: 'POST',
      headers: { 'content-type': contentType },
      body,
    });
    return await input.decode(request, createContext());
  };

  it('takes a file as the body, and base64 in JSON, at the rate of the model', async () => {
    const plain = await ask('application/octet-stream', Uint8Array.from(file));
    expect(plain.audio).toMatchObject({ sampleRate: 16_000, data: { length: 8 } });
    const json = JSON.stringify({ audio: Buffer.from(file).toString('base64') });
    expect(await ask('application/json', json)).toEqual(plain);
  });

  it.each([
    ['JSON without audio', 'application/json', '{"image":"AAAA"}', 'INPUT_AUDIO'],
    ['no body', 'audio/wav', '', 'INPUT_EMPTY'],
    ['more bytes than allowed', 'audio/wav', 'a'.repeat(4001), 'INPUT_TOO_LARGE'],
  ])('refuses %s', async (_what, contentType, body, code) => {
    await expect(ask(contentType, body)).rejects.toMatchObject({ code });
  });

  it('says what it accepts', () => {
    expect(input).toMatchObject({
      kind: 'audio',
      accepts: {
        jsonField: { name: 'audio', as: 'base64' },
        limits: { maxBytes: 4000, maxSeconds: 10, maxChannels: 8 },
      },
    });
  });
});

function setInt24(view: DataView, at: number, x: number): void {
  const value = Math.round(x * 8_388_607);
  view.setUint16(at, value & 0xffff, true);
  view.setInt8(at + 2, value >> 16);
}
