// silero VAD by the Silero team (MIT), as the npm package @ricky0123/vad-web (ISC) carries it, which package-lock.json pins.
import { defineModel, fromPackage, fromRecipe } from 'glowplug/release';

export default defineModel({
  name: 'silero-vad',
  version: '6.2.0',
  license: 'MIT',
  description: 'Says of each 32 ms of audio how likely somebody speaks.',
  gate: { metricLoss: 0.005 },
  variants: {
    fp32: {
      precision: 'fp32',
      starts: ['fp32-ort'],
      files: {
        'model.onnx': fromPackage('@ricky0123/vad-web', 'dist/silero_vad_v6.onnx'),
      },
    },
    'fp32-ort': {
      precision: 'fp32',
      files: {
        'model.onnx': fromRecipe(
          fromPackage('@ricky0123/vad-web', 'dist/silero_vad_v6.onnx'),
          'models/silero-vad/fp32-ort.recipe.json',
        ),
      },
    },
    'int8-stored': {
      precision: 'int8',
      files: {
        'model.onnx': fromRecipe(
          fromPackage('@ricky0123/vad-web', 'dist/silero_vad_v6.onnx'),
          'models/silero-vad/int8-stored.recipe.json',
        ),
      },
    },
  },
});
