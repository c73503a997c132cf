// A sentence encoder for tests and the sample alone: its vectors are random. models/toy-encoder/make.ts makes the files again.
import { defineModel, fromPath } from 'glowplug/release';

export default defineModel({
  name: 'toy-encoder',
  version: '1.0.0',
  license: 'Apache-2.0',
  description: 'A toy: texts that share words get vectors that are close. Put your own encoder in its place.',
  files: {
    'model.onnx': fromPath('models/toy-encoder/model.onnx'),
    'tokenizer.json': fromPath('models/toy-encoder/tokenizer.json'),
    'tokenizer_config.json': fromPath('models/toy-encoder/tokenizer_config.json'),
  },
});
