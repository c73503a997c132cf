import { defineModel, fromPath } from 'glowplug/release';

export default defineModel({
  name: '__name__',
  version: '1.0.0',
  license: '__license__',
  files: { 'model.onnx': fromPath('models/__name__.onnx') },
});
