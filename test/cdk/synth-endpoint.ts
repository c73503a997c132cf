// An app with one GpuEndpoint over a small function and a store in a stack of its own, as its template.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AccountPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks } from 'cdk-nag';
import { GpuEndpoint, type GpuEndpointProps, type GpuHost, ModelStore } from '../../src/cdk/index.ts';
import { fixtureLock, fixtureProject } from '../build/fixtures/project.ts';

export interface EndpointSetting {
  readonly region?: string;
  /** Throws what cdk-nag finds. */
  readonly nag?: boolean;
  readonly modelBytes?: number;
  /** Whether a golden sample lies beside the function. */
  readonly golden?: boolean;
  /** models.keys.json of a store that demands signatures. */
  readonly trusted?: unknown;
  /** What an app does with it. */
  readonly use?: (endpoint: GpuEndpoint<GpuHost>) => void;
}

export function synthEndpoint(props: Partial<GpuEndpointProps> = {}, setting: EndpointSetting = {}): Template {
  const lock = structuredClone(fixtureLock);
  if (setting.modelBytes) Object.assign(lock.models['iris:prod']!.files['model.onnx']!, { size: setting.modelBytes });
  using project = fixtureProject({ lock });
  mkdirSync(join(project.root, 'images/gpu'), { recursive: true });
  project.write('images/gpu/Dockerfile', 'FROM scratch AS gpu\n');
  if (setting.golden) {
    project.write('functions/sort/request.json', '{}');
    project.write('functions/sort/answer.golden.json', '{"status":200,"tolerance":0,"body":{}}');
  }
  const app = new App({
    outdir: join(project.root, 'cdk.out'),
    context: { 'aws:cdk:disable-asset-staging': true, '@aws-cdk/aws-iam:minimizePolicies': true },
  });
  if (setting.trusted) project.write('models.keys.json', JSON.stringify(setting.trusted));
  const env = setting.region ? { env: { region: setting.region } } : {};
  const signed = setting.trusted !== undefined;
  const store = new ModelStore(new Stack(app, 'Store', env), 'ModelStore', { signed });
  const stack = new Stack(app, 'Endpoint', env);
  const endpoint = new GpuEndpoint(stack, 'Sort', { function: 'functions/sort', store, root: project.root, ...props });
  setting.use?.(endpoint);
  if (setting.nag) {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    Validations.of(store.bucket).acknowledge({ id: 'AwsSolutions-S1', reason: 'not the subject' });
    app.synth();
  }
  return Template.fromStack(stack);
}

/** A role of its own is granted to. */
export function letCallerAsk(endpoint: GpuEndpoint<GpuHost>): void {
  const caller = new Role(Stack.of(endpoint), 'Caller', { assumedBy: new AccountPrincipal('111122223333') });
  endpoint.host.grantInvoke(caller);
}
