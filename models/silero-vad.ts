// silero VAD by the Silero team (MIT), as the npm package @ricky0123/vad-web (ISC) carries it, which package-lock.json pins.
import { defineModel, fromPackage } from 'glowplug/release';

export default defineModel({
  name: 'silero-vad',
  version: '6.0.0',
  license: 'MIT',
  description: 'Says of each 32 ms of audio how likely somebody speaks.',
  files: {
    'model.onnx': fromPackage('@ricky0123/vad-web', 'dist/silero_vad_v6.onnx'),
  },
});
