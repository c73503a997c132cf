// The iris function of this repository as the local cloud deploys it, for tests that start it by themselves.
import { afterAll, beforeAll } from 'vitest';
import { CloudFunction } from '../../src/testing/cloud-function.ts';
import { type LocalCloud, startLocalCloud } from '../../src/testing/index.ts';
import type { FunctionSpec } from '../../src/testing/runtime/function-spec.ts';
import { readSamples } from '../../src/testing/samples.ts';
import { root } from '../root.ts';

/** Within `describe`: the getters answer once its tests run. */
export function coldIris() {
  let cloud: LocalCloud | undefined;
  let spec: FunctionSpec | undefined;
  beforeAll(async () => {
    cloud = await startLocalCloud({ root });
    const iris = cloud.function('iris');
    if (!(iris instanceof CloudFunction)) throw new Error('iris runs here');
    spec = iris.spec;
  }, 120_000);
  afterAll(async () => await cloud?.[Symbol.asyncDispose]());
  return {
    payload: readSamples(root).find(({ name }) => name === 'iris')?.body ?? new Uint8Array(),
    get cloud() {
      return cloud!;
    },
    get spec() {
      return spec!;
    },
  };
}
