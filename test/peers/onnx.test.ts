// The model that this repository trains, against ONNX's own checker (Python).
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
    it('finds models/iris/iris.onnx to be a model whose shapes can be inferred', () => {
      const script = `import onnx, sys
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
print(onnx.__version__, [one.name for one in model.graph.output])`;
      const said = execFileSync(peer.path, ['-c', script, join(root, 'models/iris/iris.onnx')], { encoding: 'utf8' });
      expect(said).toContain("['class', 'probabilities']");
      console.log(`onnx.checker ${said.trim()}`);
    });
  });
}
