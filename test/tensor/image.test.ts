import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../src/tensor/image.ts';

const limits = { maxPixels: 1_000_000, maxBytes: 1_000_000 };
const formats = ['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const;

describe('decodeImage', () => {
  it.each(formats)('decodes %s to RGB, row by row', async (format) => {
    const image = await decodeImage(await plain(5, 3, '#ff0000').toFormat(format).toBuffer(), limits);
    expect(image).toMatchObject({ width: 5, height: 3, channels: 3 });
    expect(image.data).toHaveLength(45);
    expect(image.data[0]).toBeGreaterThan(250);
    expect(image.data[1]).toBeLessThan(5);
  });

  it('turns it upright by its EXIF orientation', async () => {
    const bytes = await plain(5, 3, '#000000').withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(await decodeImage(bytes, limits)).toMatchObject({ width: 3, height: 5 });
  });

  it('lays what is transparent on white', async () => {
    const bytes = await sharp({
      create: { width: 1, height: 1, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    })
      .png()
      .toBuffer();
    expect([...(await decodeImage(bytes, limits)).data]).toEqual([255, 255, 255]);
  });

  it('gives three channels for grey, 16-bit and CMYK files', async () => {
    const files = [
      await plain(4, 4, '#808080').toColourspace('b-w').png().toBuffer(),
      await plain(4, 4, '#808080').toColourspace('rgb16').png().toBuffer(),
      await plain(4, 4, '#808080').toColourspace('cmyk').jpeg().toBuffer(),
    ];
    for (const file of files) expect((await decodeImage(file, limits)).data).toHaveLength(48);
  });
});

describe('decodeImage refuses', () => {
  it('a header that claims 10⁹ pixels, before decoding any', async () => {
    const bytes = await claiming(100_000, 10_000);
    await expect(decodeImage(bytes, limits)).rejects.toMatchObject({
      code: 'INPUT_TOO_LARGE',
      message: 'expected an image of at most 1000000 pixels (maxPixels), got 100000×10000 = 1000000000',
    });
  });

  it('a header beyond what any decoder takes', async () => {
    await expect(decodeImage(await claiming(0x7fffffff, 0x7fffffff), limits)).rejects.toMatchObject({
      code: 'INPUT_IMAGE',
    });
  });

  it('a small file that unfolds to more pixels than allowed', async () => {
    const bomb = await plain(4000, 4000, '#ffffff').png({ compressionLevel: 9 }).toBuffer();
    expect(bomb.length).toBeLessThan(100_000);
    await expect(decodeImage(bomb, limits)).rejects.toMatchObject({ code: 'INPUT_TOO_LARGE' });
  });

  it('a file of more bytes than allowed', async () => {
    const bytes = await plain(5, 3, '#ffffff').png().toBuffer();
    await expect(decodeImage(bytes, { ...limits, maxBytes: 20 })).rejects.toMatchObject({
      code: 'INPUT_TOO_LARGE',
      message: `expected an image file of at most 20 bytes (maxBytes), got ${bytes.length}`,
    });
  });

  it.each(formats)('%s that is cut off anywhere', async (format) => {
    const noise = Buffer.from(Array.from({ length: 60 * 60 * 3 }, (_, i) => (i * i * 31) % 251));
    const whole = await sharp(noise, { raw: { width: 60, height: 60, channels: 3 } })
      .toFormat(format)
      .toBuffer();
    for (const part of [0.02, 0.3, 0.6, 0.9]) {
      const cut = whole.subarray(0, Math.ceil(whole.length * part));
      await expect(decodeImage(cut, limits)).rejects.toMatchObject({ code: 'INPUT_IMAGE' });
    }
  });

  it('an animation, instead of answering for its first frame', async () => {
    const frames = [await plain(2, 2, '#ff0000').png().toBuffer(), await plain(2, 2, '#00ff00').png().toBuffer()];
    const bytes = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    await expect(decodeImage(bytes, limits)).rejects.toMatchObject({
      code: 'INPUT_IMAGE',
      message: 'expected a still image, got gif with 2 frames or pages',
    });
  });

  it.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['JSON', '{"image":"…"}'],
    [
      'a drawing, which could ask for any amount of work',
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    ],
    ['a PDF', '%PDF-1.7\n'],
    ['a PNG’s first bytes alone', '\x89PNG\r\n\x1a\n'],
  ])('%s', async (_what, text) => {
    await expect(decodeImage(Buffer.from(text, 'latin1'), limits)).rejects.toMatchObject({ code: 'INPUT_IMAGE' });
  });
});

function plain(width: number, height: number, background: string) {
  return sharp({ create: { width, height, channels: 3, background } });
}

/** A PNG whose header says another size, its checksum right. */
async function claiming(width: number, height: number): Promise<Buffer> {
  const bytes = await plain(2, 2, '#ffffff').png().toBuffer();
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}
