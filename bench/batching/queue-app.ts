// The CDK app of the queue case: iris with a queue of its own, and nothing else.
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { InferenceFunction, ModelStore } from 'glowplug/cdk';

const root = join(import.meta.dirname, '../..');
const app = new App({ analyticsReporting: false });
const stack = new Stack(app, 'bench');
const { function: iris } = new InferenceFunction(stack, 'Iris', {
  entry: join(root, 'functions/iris/function.ts'),
  root,
  store: new ModelStore(stack, 'Store'),
  architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
  queue: {},
});
// Models and results come through the S3 that the bench puts before the cloud's.
iris.addEnvironment('AWS_ENDPOINT_URL_S3', process.env['GLOWPLUG_BENCH_S3'] ?? '');
app.synth();
