// The app that cdk.json names. Two stacks: models are published into the first before the second pins them.
import { App, Stack } from 'aws-cdk-lib';
import { findFunctions, InferenceFunction, ModelStore } from 'glowplug/cdk';

const app = new App({ analyticsReporting: false });
const store = new ModelStore(new Stack(app, '__app__-store'), 'Models');
const functions = new Stack(app, '__app__-functions');
for (const { name, entry } of findFunctions()) new InferenceFunction(functions, name, { entry, store });
app.synth();
