// The models that this repository makes, against ONNX's own checker (Python).
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../root.ts';
import { pythonPeer } from './installed.ts';

const peer = await pythonPeer('onnx', '1.23.2');

if ('missing' in peer) {
  it.skip(`onnx.checker: ${peer.missing}`, () => {});
} else {
  describe('onnx.checker', () => {
    const made = ['models/iris/iris.onnx', 'models/spam/spam.onnx', 'models/toy-encoder/model.onnx'];
    it.each(made)('finds %s to be a model whose shapes can be inferred', (file) => {
      const script = `import onnx, sys
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
print(onnx.__version__, [one.name for one in model.graph.output])`;
      const said = execFileSync(peer.path, ['-c', script, join(root, file)], { encoding: 'utf8' });
      expect(said).toMatch(/\['(class', 'probabilities|probability', 'contributions|last_hidden_state)'\]/);
      console.log(`onnx.checker ${said.trim()}`);
    });
  });
}
