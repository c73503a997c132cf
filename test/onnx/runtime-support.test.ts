// What the file-only check says against what the installed onnxruntime does with the same file.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { inspectModel } from '../../src/onnx/inspect.ts';
import { runtime } from '../../src/onnx/runtime-support.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { bytesOf, type ModelInit, tinyGraph, tinyModel } from './tiny-model.ts';

const opset17 = { domain: '', version: 17n };

describe('what will not run', () => {
  it('is said of the onnxruntime that is installed', () => {
    const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json');
    expect(version).toMatch(new RegExp(`^${runtime.name.split(' ')[1]}\\.`));
  });

  it.each([...runtime.opsets])('%s: opset %d loads and the next one does not', async (domain, newest) => {
    const importing = (version: number) => {
      const wanted = { domain: domain === 'ai.onnx' ? '' : domain, version: BigInt(version) };
      return tinyModel({ opsetImport: domain === 'ai.onnx' ? [wanted] : [opset17, wanted] });
    };
    expect(inspectModel(bytesOf(importing(newest))).willNotRun).toEqual([]);
    expect(await loads(importing(newest))).toBe(true);
    expect(inspectModel(bytesOf(importing(newest + 1))).willNotRun).toEqual([
      `opset ${newest + 1} of "${domain}": ${runtime.name} has up to ${newest}`,
    ]);
    expect(await loads(importing(newest + 1))).toBe(false);
  });

  it('an IR version after the newest that onnxruntime reads', async () => {
    const newest = BigInt(runtime.irVersion);
    expect(await loads(tinyModel({ irVersion: newest }))).toBe(true);
    expect(await loads(tinyModel({ irVersion: newest + 1n }))).toBe(false);
    expect(inspectModel(bytesOf(tinyModel({ irVersion: newest + 1n }))).willNotRun).toEqual([
      `IR version 14: ${runtime.name} reads up to 13`,
    ]);
  });

  it('an operator of a domain that onnxruntime does not have, once however often it is used', async () => {
    const custom = { opType: 'Sparkle', domain: 'com.acme', input: ['x'], output: ['y'] };
    const model = {
      ...tinyGraph({ node: [custom, { ...custom, output: ['z'] }] }),
      opsetImport: [opset17, { domain: 'com.acme', version: 1n }],
    };
    expect(inspectModel(bytesOf(model)).willNotRun).toEqual([
      `operator "com.acme.Sparkle": ${runtime.name} has no operators of this domain`,
    ]);
    expect(await loads(model)).toBe(false);
  });

  it('an operator of a domain whose opset the model does not name', () => {
    const gelu = { opType: 'Gelu', domain: 'com.microsoft', input: ['x'], output: ['y'] };
    expect(inspectModel(bytesOf(tinyGraph({ node: [gelu] }))).willNotRun).toEqual([
      'operator "com.microsoft.Gelu": the model names no opset of com.microsoft',
    ]);
  });

  it('not a function that the model itself defines', async () => {
    const model: ModelInit = {
      ...tinyGraph({ node: [{ opType: 'Twice', domain: 'com.acme', input: ['x'], output: ['y'] }] }),
      opsetImport: [opset17, { domain: 'com.acme', version: 1n }],
      functions: [
        {
          name: 'Twice',
          domain: 'com.acme',
          input: ['a'],
          output: ['b'],
          opsetImport: [opset17],
          node: [{ opType: 'Add', input: ['a', 'a'], output: ['b'] }],
        },
      ],
    };
    expect(inspectModel(bytesOf(model)).willNotRun).toEqual([]);
    expect(await loads(model)).toBe(true);
  });
});

/** Whether onnxruntime makes a session of the model. */
async function loads(model: ModelInit): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-onnx-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeFile(path, bytesOf(model));
    await (await createOrtSession(path, { threads: 1 }))[Symbol.asyncDispose]();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(GlowplugError);
    return false;
  } finally {
    await rm(folder, { recursive: true });
  }
}
