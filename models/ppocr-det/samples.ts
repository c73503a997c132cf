// Pages as the detector meets them: a few lines of text in several sizes, drawn with the fonts of this machine. Where each line
// stands is known from drawing it alone.
import { imagenet, normalize, polygonIou, type Quad, textRegions } from 'glowplug/process';
import type { Metric, Sample } from 'glowplug/release';
import { seededRandom } from 'glowplug/release';
import sharp from 'sharp';

const fonts = ['DejaVu Sans', 'DejaVu Serif', 'Liberation Sans', 'Liberation Serif', 'Liberation Mono'];
const words =
  'total amount due order customer address within thirty days thank you please sign here room twelve open daily exit push handle caution wet floor platform ticket'.split(
    ' ',
  );

/** F1 over lines: one is found where a region shares half of its place or more. */
export const metric: Metric = {
  name: 'F1 of lines',
  better: 'higher',
  count({ 'sigmoid_0.tmp_0': map }, label) {
    if (map?.datatype !== 'FP32' || !Array.isArray(label)) return [0, 1];
    const [height = 0, width = 0] = map.shape.slice(2);
    const there: Quad[] = label;
    const regions = textRegions(map.data, width, height);
    const found = there.filter((line) => regions.some(({ quad }) => polygonIou(quad, line) >= 0.5));
    return [2 * found.length, there.length + regions.length];
  },
  value: ([both = 0, all = 0]) => both / all,
};

export async function* samples(count = 160, seed = 2): AsyncGenerator<Sample> {
  const random = seededRandom(seed);
  for (let at = 0; at < count; at++) {
    // Scans lie on their side at times, and lines stand upright in margins.
    const { x, lines } = await draw(random, at % 3 === 2);
    yield { name: `page ${at}`, feeds: { x }, label: lines };
  }
}

async function draw(random: () => number, turned: boolean) {
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
  if (turned) picture = sharp(await picture.png().toBuffer()).rotate(90);
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  const x = normalize([{ width: info.width, height: info.height, channels: 3, data }], { ...imagenet, order: 'bgr' });
  const lines = await Promise.all(texts.map((text) => placeOf(text, width, height)));
  return { x, lines: turned ? lines.map((line) => turn(line, height)) : lines };
}

/** A quarter to the right. */
function turn([a, b, c, d]: Quad, height: number): Quad {
  const corner = ([x, y]: Quad[number]): [number, number] => [height - y, x];
  return [corner(a), corner(b), corner(c), corner(d)];
}

async function placeOf(text: string, width: number, height: number): Promise<Quad> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${text}</svg>`;
  const { info } = await sharp(Buffer.from(svg)).trim().toBuffer({ resolveWithObject: true });
  const [left, top] = [-(info.trimOffsetLeft ?? 0), -(info.trimOffsetTop ?? 0)];
  const [right, bottom] = [left + info.width, top + info.height];
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}
