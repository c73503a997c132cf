// The app that cdk.json names: a store, and the functions under functions/. Offline: no look-ups, no account, no Docker.
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { GlowplugError } from 'glowplug/cdk';
import { readConfig } from './config.ts';
import { FunctionsStack } from './stacks/functions-stack.ts';
import { StoreStack } from './stacks/store-stack.ts';

try {
  const app = new App({ analyticsReporting: false });
  const config = readConfig((key) => app.node.tryGetContext(key));
  const { store } = new StoreStack(app, `glowplug-${config.stage}-store`, { config });
  new FunctionsStack(app, `glowplug-${config.stage}-functions`, { config, store });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
} catch (error) {
  if (!(error instanceof GlowplugError)) throw error;
  console.error(`${error.code}: ${error.message}\n${error.remedy}`);
  process.exitCode = 1;
}
