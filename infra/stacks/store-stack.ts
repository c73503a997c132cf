// The stack that is deployed first: functions are refused while a version they pin is not in it.
import { type Environment, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { OidcProviderNative } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { ModelPipeline, ModelStore } from 'glowplug/cdk';
import type { Config } from '../config.ts';

export class StoreStack extends Stack {
  readonly store: ModelStore;

  constructor(scope: Construct, id: string, { config, env }: { config: Config; env: Environment }) {
    super(scope, id, {
      env,
      description: `glowplug ${config.stage}: the model store`,
      terminationProtection: config.keepModels,
    });
    this.store = new ModelStore(this, 'ModelStore', {
      removalPolicy: config.keepModels ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      signed: config.signedModels,
    });
    Validations.of(this.store.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'Who wrote what stands in the store itself: blobs are written once and every move of a tag is recorded.',
    });
    if (!config.github) return;
    const { repository, provider } = config.github;
    new ModelPipeline(this, 'Pipeline', {
      store: this.store,
      repository,
      environment: config.stage,
      ...(provider ? { provider: OidcProviderNative.fromOidcProviderArn(this, 'GitHub', provider) } : {}),
    });
  }
}
