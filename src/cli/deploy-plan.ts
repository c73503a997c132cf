// What a synthesised app wants deployed, read from its templates: its stores, the stacks after them, what their functions pin.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import { parseLock } from '../models/lock.ts';
import { isDigest } from '../models/reference.ts';
import type { LockedVersion, PinnedVersion } from '../models/version.ts';
import type { DeployPlan, PlannedStack, PlannedStore } from '../release/deploy.ts';
import { type AssemblyStack, readAssembly } from '../testing/template/assembly.ts';
import { at, listAt, objectAt, stringAt } from '../testing/template/json.ts';

/** @param folder a cdk.out. @throws GlowplugError CONFIG_INVALID for an app that cannot be deployed in order */
export async function readDeployPlan(folder: string): Promise<DeployPlan> {
  const { stacks, assets } = await readAssembly(folder);
  const stores = stacks.flatMap(readStore);
  const [first, second] = stores;
  if (!first) {
    throw new GlowplugError('CONFIG_INVALID', 'expected the app to have a ModelStore, it has none', {
      remedy: 'Give it a stack with new ModelStore(this, …); without one, npx cdk deploy is all there is to do.',
    });
  }
  const storeOf = (stack: AssemblyStack): string => {
    const needed = stores.filter((store) => stack.dependencies.includes(store.stack));
    if (needed[0] && !needed[1]) return needed[0].stack;
    if (needed.length === 0 && !second) return first.stack;
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected stack ${stack.name} to use one store, it uses ${needed.length} of ${stores.length}`,
      { remedy: 'Let the functions of one stack share a ModelStore.' },
    );
  };
  const planned: PlannedStack[] = [];
  for (const stack of stacks) {
    const folders = functionFolders(stack, assets);
    const pins = [...(await Promise.all(folders.map(readPins))).flat(), ...endpointPins(stack)];
    if (stores.some((store) => store.stack === stack.name)) {
      if (folders.length + pins.length === 0) continue;
      throw new GlowplugError(
        'CONFIG_INVALID',
        `expected stack ${stack.name} to hold a store or functions, it holds both`,
        {
          remedy:
            'Move the ModelStore into a stack of its own: the models are published after it and before the functions.',
        },
      );
    }
    planned.push({
      stack: stack.name,
      deployment: `${stack.environment.replace('aws://', '')}/${stack.name}`,
      store: storeOf(stack),
      pins,
    });
  }
  return { stores, stacks: planned };
}

function readStore({ name, template, environment }: AssemblyStack): PlannedStore[] {
  return Object.values(objectAt(template, 'Resources')).flatMap((resource) => {
    const store = at(resource, 'Metadata', 'glowplug:store');
    const output = stringAt(store, 'output');
    if (output === undefined) return [];
    const region = environment.split('/').at(-1) ?? '';
    return [
      {
        stack: name,
        output,
        signed: at(store, 'signed') === true,
        ...(region.startsWith('unknown') ? {} : { region }),
      },
    ];
  });
}

/** Where the bundles of the stack's functions were staged. */
function functionFolders({ name: stack, template }: AssemblyStack, assets: ReadonlyMap<string, string>): string[] {
  return Object.values(objectAt(template, 'Resources')).flatMap((resource) => {
    const name = stringAt(resource, 'Metadata', 'glowplug:function');
    if (name === undefined) return [];
    const folder = assets.get(stringAt(resource, 'Properties', 'Code', 'S3Key') ?? '');
    if (folder !== undefined && existsSync(folder)) return [folder];
    // Without it nobody knows what the function pins, and pinning nothing would let prune take it.
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected the staged bundle of function ${name} of ${stack}, found none`,
      {
        remedy: 'Synthesise again; the code of an InferenceFunction is the folder that it bundled.',
      },
    );
  });
}

/** Of GpuEndpoints, whose images are built when they are deployed: their templates say what they pin. */
function endpointPins({ template }: AssemblyStack): PinnedVersion[] {
  return Object.values(objectAt(template, 'Resources'))
    .flatMap((resource) => listAt(objectAt(resource, 'Metadata'), 'glowplug:pins'))
    .flatMap((pinned) => {
      const [model = '', version = '', digest = ''] = ['model', 'version', 'digest'].map((name) =>
        stringAt(pinned, name),
      );
      return isDigest(digest) ? [{ model, version, digest }] : [];
    });
}

/** The slice of the lock file that will lie beside the handler: what is pinned is what is deployed. */
async function readPins(folder: string): Promise<LockedVersion[]> {
  const path = join(folder, 'models.lock.json');
  return existsSync(path) ? Object.values(parseLock(await readFile(path, 'utf8')).models) : [];
}
