// A stage of infra/ in a folder, as cdk.json's app would synthesise it; what its templates name stays where it was built.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { addChecks } from '../../infra/add-checks.ts';
import { readConfig, type Stage, type Stages } from '../../infra/config.ts';
import { addStacks } from '../../infra/stacks/add-stacks.ts';
import { findFunctions } from '../../src/build/index.ts';
import { root } from '../root.ts';

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
}

export interface SynthesisedStage extends Disposable {
  readonly out: string;
  /** By logical id, of all its stacks. */
  readonly resources: readonly (readonly [string, Resource])[];
  of(type: string): Resource[];
}

/** `only`: these functions of the app. @throws what synth finds: of CDK's own rules and of AwsSolutions, too */
export async function synthStage(
  stage: Stage,
  stages: Partial<Stages>,
  only?: readonly string[],
): Promise<SynthesisedStage> {
  const out = mkdtempSync(join(tmpdir(), 'glowplug-stage-'));
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'));
  const app = new App({ outdir: out, context: { ...context, 'aws:cdk:disable-asset-staging': true } });
  const all = findFunctions(root);
  const chosen = { 'glowplug:stage': stage, 'glowplug:architecture': process.arch === 'arm64' ? 'arm64' : 'x86_64' };
  const names = all.map(({ name }) => name);
  const config = readConfig(chosen, { dev: {}, staging: {}, prod: {}, ...stages }, names);
  addStacks(app, config, only ? all.filter(({ name }) => only.includes(name)) : all);
  await addChecks(app, stage);
  app.synth();
  const resources = readdirSync(out)
    .filter((name) => name.endsWith('.template.json'))
    .flatMap((name) => Object.entries<Resource>(JSON.parse(readFileSync(join(out, name), 'utf8')).Resources));
  return {
    out,
    resources,
    of: (type) => resources.filter(([, { Type }]) => Type === type).map(([, resource]) => resource),
    [Symbol.dispose]: () => rmSync(out, { recursive: true, force: true }),
  };
}
