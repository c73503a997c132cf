// The stack that is deployed first: functions are refused while a version they pin is not in it.
import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ModelStore } from 'glowplug/cdk';
import type { Config } from '../config.ts';

export class StoreStack extends Stack {
  readonly store: ModelStore;

  constructor(scope: Construct, id: string, { config }: { config: Config }) {
    super(scope, id, { description: `glowplug ${config.stage}: the model store` });
    this.store = new ModelStore(this, 'ModelStore', {
      removalPolicy: config.stage === 'prod' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    Validations.of(this.store.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'Who wrote what stands in the store itself: blobs are written once and every move of a tag is recorded.',
    });
  }
}
