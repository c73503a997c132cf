// The spam classifier. models/spam/train.ts makes both files again, byte for byte, from the SpamAssassin public corpus.
import { defineModel, fromPath } from 'glowplug/release';

export default defineModel({
  name: 'spam',
  version: '1.0.0',
  license: 'CC0-1.0',
  description: 'Says how likely an English e-mail is spam, and what each of its words adds to that.',
  files: {
    'model.onnx': fromPath('models/spam/spam.onnx'),
    'vocabulary.txt': fromPath('models/spam/vocabulary.txt'),
  },
});
