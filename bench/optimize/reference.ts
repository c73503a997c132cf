// Python's onnxruntime.quantization and onnxconverter-common, where Python is at hand.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pythonPeer } from '../../test/peers/installed.ts';

export type Kind = 'static' | 'dynamic' | 'float16';

export interface Made {
  readonly bytes: Uint8Array;
  /** Seconds of quantising, imports apart. */
  readonly seconds: number;
}

export type Reference = (kind: Kind, model: string, samples: string, folder: string) => Made | undefined;

/** Undefined where there is no Python; of a model that it fails on, too, and why is printed. */
export async function openReference(): Promise<Reference | undefined> {
  const peer = await pythonPeer('onnxruntime', '1.30.0');
  if ('missing' in peer) {
    console.log(`no reference: ${peer.missing}`);
    return undefined;
  }
  execFileSync(peer.path, ['-m', 'pip', 'install', '--quiet', 'onnx==1.23.2', 'onnxconverter-common==1.16.0']);
  return (kind, model, samples, folder) => {
    const out = join(folder, `reference-${kind}.onnx`);
    try {
      const script = join(import.meta.dirname, 'reference.py');
      const said = execFileSync(peer.path, [script, kind, model, samples, out], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      return { bytes: readFileSync(out), seconds: Number(said.trim().split('\n').at(-1)) };
    } catch (error) {
      console.log(
        `the reference fails at ${kind}: ${String(error instanceof Error && 'stderr' in error ? error.stderr : error)
          .trim()
          .split('\n')
          .at(-1)}`,
      );
      return undefined;
    }
  };
}
