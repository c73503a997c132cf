// The app that cdk.json names: a store, and the functions under functions/. Offline: no look-ups, no account, no Docker.
import { App } from 'aws-cdk-lib';
import { findFunctions, GlowplugError } from 'glowplug/cdk';
import { addChecks } from './add-checks.ts';
import { readConfig } from './config.ts';
import { addStacks } from './stacks/add-stacks.ts';
import { stages } from './stages.ts';

try {
  const app = new App({ analyticsReporting: false });
  const functions = findFunctions();
  const names = functions.map(({ name }) => name);
  const config = readConfig(app.node.getAllContext(), stages, names);
  addStacks(app, config, functions);
  await addChecks(app, config.stage);
  app.synth();
} catch (error) {
  if (!(error instanceof GlowplugError)) throw error;
  console.error(`${error.code}: ${error.message}\n${error.remedy}`);
  process.exitCode = 1;
}
