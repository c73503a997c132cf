// The iris classifier. models/iris/train.ts makes both files again, byte for byte.
import { defineModel, fromPath } from 'glowplug/release';

export default defineModel({
  name: 'iris',
  version: '1.0.0',
  license: 'Apache-2.0',
  description: 'Names an iris flower by the lengths of its sepals and petals.',
  files: {
    'model.onnx': fromPath('models/iris/iris.onnx'),
    'labels.txt': fromPath('models/iris/labels.txt'),
  },
});
