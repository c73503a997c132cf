// The ordered deploy: what it refuses, and that one which was killed anywhere harms nothing and is finished by the next.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blobKey } from '../../src/models/blob-key.ts';
import { parseLock } from '../../src/models/lock.ts';
import { editIndex, readIndex, tagOf } from '../../src/models/model-index.ts';
import { pinsOf, wholeVersion } from '../../src/models/pin.ts';
import { prune } from '../../src/models/prune.ts';
import { generateKey, keyFileSigner } from '../../src/models/signer.ts';
import type { LockedVersion, PinnedVersion } from '../../src/models/version.ts';
import { type DeployOptions, type DeployPlan, type DeploySteps, deploy } from '../../src/release/deploy.ts';
import { writeLock } from '../../src/release/index.ts';
import { runs } from '../runs.ts';
import { memoryStore } from '../versions/memory-store.ts';
import { testClock } from '../versions/test-clock.ts';
import { definition, functionUsing, irisModel, type TestApp, testApp } from './app.ts';

const onnx = await readFile(irisModel);
const deployment = '111122223333/eu-west-1/functions';

describe('deploy', () => {
  it('goes in order: store, versions, lock file, pins, functions', async () => {
    await using world = await startWorld();
    const told: string[] = [];
    await world.deploy({ onStep: (step) => told.push(step) });
    expect(told).toEqual([
      'deploying store',
      'publishing into memory',
      'checking models.lock.json',
      'pinning what the functions use in memory',
      'deploying functions',
      'taking away the pins of what ran before',
    ]);
    expect(world.stacks).toEqual(['store', 'functions']);
    expect(world.deployed.map(({ version }) => version)).toEqual(['1.0.0']);
    expect(await world.pins()).toEqual(world.deployed.map(({ digest }) => digest));
  });

  it('deploys no function while the lock file is stale', async () => {
    await using world = await startWorld();
    await world.app.write('models/iris.ts', definition('iris', '2.0.0'));
    await expect(world.deploy()).rejects.toMatchObject({
      code: 'LOCK_STALE',
      remedy: expect.stringContaining('glowplug lock'),
    });
    expect(world.stacks).toEqual(['store']);
  });

  it('deploys no function while a blob that it pins is absent', async () => {
    await using world = await startWorld();
    const [{ model, version, digest, files }] = (await world.plan()).stacks[0]!.pins as [LockedVersion];
    await world.app.write('functions/f/function.ts', functionUsing(`{ iris: 'iris:${version}' }`));
    await writeLock({ root: world.app.root });
    await world.deploy();
    // Its definition has gone on, so that publishing does not mend it.
    await world.app.write('models/iris.ts', definition('iris', '2.0.0'));
    world.objects.delete(blobKey(model, files['model.onnx']!.digest));
    world.objects.delete(blobKey(model, digest));
    world.stacks.length = 0;
    await expect(world.deploy()).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect(world.stacks).toEqual(['store']);
  });

  it('asks for trusted signatures where the store demands them, before it touches anything', async () => {
    await using world = await startWorld({ signed: true });
    await expect(world.deploy()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'store demands signed models, and models.keys.json names no key',
      remedy: expect.stringContaining('glowplug keygen'),
    });
    expect(world.stacks).toEqual([]);

    const key = generateKey('ci');
    const signer = keyFileSigner(JSON.stringify(key));
    const publicKey = key.x;
    await world.app.write('models.keys.json', JSON.stringify({ keys: { ci: { publicKey, models: ['*'] } } }));
    await expect(world.deploy()).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
    expect(world.stacks).toEqual(['store']);
    await world.deploy({ signer });
    expect(world.stacks).toEqual(['store', 'store', 'functions']);
  });

  it('asks for none where the store demands none, whatever keys there are; a floor holds there, too', async () => {
    await using world = await startWorld();
    const { x: publicKey } = generateKey('ci');
    const keys = { ci: { publicKey, models: ['*'] } };
    await world.app.write('models.keys.json', JSON.stringify({ keys }));
    await world.deploy();
    expect(world.stacks).toEqual(['store', 'functions']);
    await world.app.write('models.keys.json', JSON.stringify({ keys, floors: { iris: '1.0.1' } }));
    await expect(world.deploy()).rejects.toMatchObject({ code: 'BELOW_FLOOR' });
  });

  it('moves a channel only when it is told to', async () => {
    await using world = await startWorld();
    await world.deploy();
    expect(await world.tags()).toEqual(['1.0.0']);
    await world.deploy({ as: 'prod', by: 'a test' });
    expect(await world.tags()).toEqual(['1.0.0', 'prod']);
  });

  it('takes the pins of a model away that is not used any more', async () => {
    await using world = await startWorld();
    await world.deploy();
    await world.app.write('functions/f/function.ts', functionUsing('{}'));
    await writeLock({ root: world.app.root });
    await world.deploy();
    expect(await world.pins()).toEqual([]);
  });

  it('is killed before each of its requests in turn: what ran goes on, and the next deploy ends it', async () => {
    await using world = await startWorld();
    let kills = 0;
    for (; ; kills++) {
      await world.reset();
      await world.deploy();
      await world.edit('2.0.0');
      const ended = await world.deployUntil(kills);
      await world.untagAndPrune();
      for (const { model, digest } of world.deployed) await wholeVersion(world.store, model, digest);
      await world.deploy();
      expect(world.deployed.map(({ version }) => version)).toEqual(['2.0.0']);
      expect(await world.pins()).toEqual(world.deployed.map(({ digest }) => digest));
      if (ended) break;
    }
    console.info(`deploys: killed before each of ${kills} requests, what ran was whole, the next deploy ended it`);
    expect(kills).toBeGreaterThan(20);
  });

  it('was killed anywhere, any number of times, beside prunes and untagged versions: what runs is whole, and the next deploy ends it', async () => {
    const met = { cases: 0, killed: 0, deployed: 0, pruned: 0 };
    const acts = fc.array(
      fc.oneof(
        // After how many requests it is killed: some never are.
        {
          weight: 3,
          arbitrary: fc.record({ act: fc.constant('deploy' as const), after: fc.integer({ min: 0, max: 45 }) }),
        },
        {
          weight: 2,
          arbitrary: fc.record({ act: fc.constant('edit' as const), version: fc.integer({ min: 1, max: 3 }) }),
        },
        { weight: 2, arbitrary: fc.constant({ act: 'untag and prune' as const }) },
      ),
      { minLength: 3, maxLength: 9 },
    );
    const deploy = (after: number) => ({ act: 'deploy' as const, after });
    const edit = (version: number) => ({ act: 'edit' as const, version });
    const sure = [deploy(3), deploy(1000), edit(2), deploy(1000), { act: 'untag and prune' as const }];
    await using world = await startWorld();
    await fc.assert(
      fc.asyncProperty(acts, async (script) => {
        met.cases++;
        await world.reset();
        for (const one of script) {
          if (one.act === 'edit') await world.edit(`${one.version}.0.0`);
          if (one.act === 'untag and prune') met.pruned += await world.untagAndPrune();
          if (one.act === 'deploy') met[(await world.deployUntil(one.after)) ? 'deployed' : 'killed']++;
          for (const { model, digest } of world.deployed) await wholeVersion(world.store, model, digest);
        }
        await world.deploy();
        const [wanted] = (await world.plan()).stacks[0]!.pins;
        expect(world.deployed.map(({ digest }) => digest)).toEqual([wanted?.digest]);
        expect(await world.pins()).toEqual([wanted?.digest]);
        await wholeVersion(world.store, 'iris', wanted!.digest);
      }),
      // Few random ones may prune nothing, or kill nothing: one does both, always.
      { numRuns: runs(15), examples: [[sure]] },
    );
    console.info(`deploys: ${JSON.stringify(met)}; what ran was whole after each act`);
    expect(met.killed).toBeGreaterThan(0);
    expect(met.pruned).toBeGreaterThan(0);
  });
});

/** An app, a store in memory, and a cloud that remembers which versions its functions pin. */
async function startWorld({ signed = false } = {}) {
  const app = await testApp({
    'models/iris.ts': definition('iris'),
    'models/iris.onnx': onnx,
    'functions/f/function.ts': functionUsing(`{ iris: 'iris:prod' }`),
  });
  await writeLock({ root: app.root });
  let left = Number.POSITIVE_INFINITY;
  const alive = async () => {
    if (left-- <= 0) throw new Error('killed');
  };
  const { store, objects } = memoryStore();
  const mortal = memoryStore(objects, alive).store;
  const stacks: string[] = [];
  const world = {
    app,
    store,
    objects,
    stacks,
    deployed: [] as readonly PinnedVersion[],
    plan: () => planOf(app, signed),
    async deploy(options: Partial<DeployOptions> = {}) {
      const plan = await world.plan();
      const steps: DeploySteps = {
        openStore: async () => mortal,
        async deployStacks(names) {
          await alive();
          stacks.push(...names);
          if (names.includes('functions')) world.deployed = plan.stacks[0]!.pins;
          // Deployed, and killed before it hears of it.
          await alive();
          return { store: { Location: 's3://models' } };
        },
      };
      await deploy(plan, { root: app.root, steps, clock: testClock(), ...options });
    },
    /** Whether it came to its end. */
    async deployUntil(requests: number): Promise<boolean> {
      left = requests;
      try {
        await world.deploy();
        return true;
      } catch (error) {
        if (error instanceof Error && error.message === 'killed') return false;
        throw error;
      } finally {
        left = Number.POSITIVE_INFINITY;
      }
    },
    async edit(version: string) {
      await app.write('models/iris.ts', definition('iris', version));
      await writeLock({ root: app.root });
    },
    /** Another tool takes every tag away; a prune that is years later deletes what nothing names. */
    async untagAndPrune(): Promise<number> {
      if (!(await readIndex(store, 'iris'))) return 0;
      await editIndex(store, 'iris', (manifests) => manifests.filter((each) => tagOf(each) === undefined));
      return (await prune(store, 'iris', { before: 1, remove: true, clock: testClock() })).blobs.length;
    },
    async reset() {
      objects.clear();
      world.deployed = [];
      await world.edit('1.0.0');
    },
    pins: async () => pinsOf((await readIndex(store, 'iris'))?.manifests ?? [], deployment),
    tags: async () => (await readIndex(store, 'iris'))?.manifests.flatMap((each) => tagOf(each) ?? []),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
  return world;
}

async function planOf({ root }: TestApp, signed: boolean): Promise<DeployPlan> {
  const lock = parseLock(await readFile(join(root, 'models.lock.json'), 'utf8'));
  return {
    stores: [{ stack: 'store', output: 'Location', signed }],
    stacks: [{ stack: 'functions', deployment, store: 'store', pins: Object.values(lock.models) }],
  };
}
