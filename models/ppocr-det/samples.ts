// Pages as the detector meets them: a few lines of text in several sizes, drawn with the fonts of this machine. Without labels:
// what FP32 finds on them is what variants must find.
import { imagenet, normalize } from 'glowplug/process';
import { type Sample, seededRandom } from 'glowplug/release';
import sharp from 'sharp';

const fonts = ['DejaVu Sans', 'DejaVu Serif', 'Liberation Sans', 'Liberation Serif', 'Liberation Mono'];
const words =
  'total amount due order customer address within thirty days thank you please sign here room twelve open daily exit push handle caution wet floor platform ticket'.split(
    ' ',
  );

export async function* samples(count = 60, seed = 2): AsyncGenerator<Sample> {
  const random = seededRandom(seed);
  for (let at = 0; at < count; at++) yield { name: `page ${at}`, feeds: { x: await draw(random) } };
}

async function draw(random: () => number) {
  // The detector halves its input five times.
  const [width, height] = [320 + 32 * Math.floor(random() * 10), 256 + 32 * Math.floor(random() * 8)];
  const paper = 150 + Math.floor(random() * 105);
  const ink = Math.floor(random() * 110);
  const texts: string[] = [];
  for (let y = 30 + random() * 30; y < height - 10; ) {
    const size = 12 + Math.floor(random() * 22);
    const text = Array.from(
      { length: 1 + Math.floor(random() * 5) },
      () => words[Math.floor(random() * words.length)]!,
    ).join(' ');
    const x = 10 + random() * (width / 3);
    const font = fonts[Math.floor(random() * fonts.length)]!;
    texts.push(
      `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-family="${font}" font-size="${size}" fill="rgb(${ink},${ink},${ink})" transform="rotate(${((random() - 0.5) * 6).toFixed(1)} ${x.toFixed(1)} ${y.toFixed(1)})">${text}</text>`,
    );
    y += size * (1.5 + random() * 1.5);
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="rgb(${paper},${paper},${paper})"/>${texts.join('')}</svg>`;
  let picture = sharp(Buffer.from(svg)).removeAlpha();
  if (random() < 0.4) picture = picture.blur(0.3 + random());
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return normalize([{ width: info.width, height: info.height, channels: 3, data }], { ...imagenet, order: 'bgr' });
}
