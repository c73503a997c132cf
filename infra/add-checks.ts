// cdk-nag's AwsSolutions: whoever synthesises to deploy is held to it.
import { type App, Validations } from 'aws-cdk-lib';
import type { Stage } from './config.ts';

/**
 * Left out of stage dev, as CDK's own checks are, where `CDK_VALIDATION=false`: the local cloud sets it, deploys nothing, and
 * synthesises in two thirds of the time. Every other stage is checked whatever the environment says.
 */
export async function addChecks(app: App, stage: Stage): Promise<void> {
  if (stage === 'dev' && process.env['CDK_VALIDATION'] === 'false') return;
  // Loaded on demand: half of what it costs is being loaded.
  const { AwsSolutionsChecks } = await import('cdk-nag');
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}
