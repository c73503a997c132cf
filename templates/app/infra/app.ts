// The app that cdk.json names: for each stage (`glowplug deploy --stage prod`) two stacks, so that models are published into the first
// before the second pins them.
import { App, Stack } from 'aws-cdk-lib';
import { findFunctions, InferenceDashboard, InferenceFunction, ModelStore, Rollout } from 'glowplug/cdk';

const app = new App({ analyticsReporting: false });
const stage: string = app.node.tryGetContext('glowplug:stage') ?? 'dev';
const isProd = stage === 'prod';

const models = new Stack(app, `__app__-${stage}-store`, { terminationProtection: isProd });
// In prod every version is signed by a key of models.keys.json: `glowplug keygen`.
const store = new ModelStore(models, 'Models', { signed: isProd });
// What GitHub deploys prod by: if (isProd) new ModelPipeline(models, 'Pipeline', { store, repository: 'owner/name' });

const stack = new Stack(app, `__app__-${stage}-functions`);
const functions = findFunctions().map(
  ({ name, entry }) => new InferenceFunction(stack, name, { entry, store, stage, alias: 'live' }),
);
if (isProd) {
  // Whom it mails: page: [new Topic(stack, 'Page', { enforceSSL: true })].
  const dashboard = new InferenceDashboard(stack, 'Dashboard', { functions });
  for (const each of functions) {
    const alarms = [dashboard.slos(each).availability.fastShort];
    new Rollout(stack, `${each.bundle.name}-rollout`, { function: each, alarms });
  }
}
app.synth();
