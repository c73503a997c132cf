// Roles that a repository's GitHub Actions take without a key of AWS: one that publishes, one that deploys.
import { Arn, ArnFormat, Aws, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import {
  type IOidcProvider,
  OidcProviderNative,
  PolicyStatement,
  Role,
  WebIdentityPrincipal,
} from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';
import { explainWildcard } from './explain.ts';
import type { ModelStore } from './model-store.ts';

export interface ModelPipelineProps {
  readonly store: ModelStore;
  /** `owner/name` on GitHub. */
  readonly repository: string;
  /**
   * Models that it publishes.
   * @default every model of the store
   */
  readonly models?: readonly string[];
  /**
   * The branch whose jobs publish.
   * @default main
   */
  readonly branch?: string;
  /**
   * The environment of GitHub whose jobs promote and deploy. Give it reviewers there: whoever may start such a job may do so.
   * @default production
   */
  readonly environment?: string;
  /**
   * GitHub's identity provider. An account has one.
   * @default a new one
   */
  readonly provider?: IOidcProvider;
  /**
   * Of the account's CDK bootstrap.
   * @default hnb659fds, which is CDK's
   */
  readonly qualifier?: string;
}

/**
 * The workflow that goes with it is in the guide, "Deploy".
 *
 * @example
 * new ModelPipeline(this, 'Pipeline', { store, repository: 'garden/flowers', models: ['garden'] });
 */
export class ModelPipeline extends Construct {
  readonly provider: IOidcProvider;
  /** Taken by jobs of the branch: publishes versions, deletes nothing. */
  readonly publisher: Role;
  /** Taken by jobs of the environment: moves channels, pins, and deploys by the roles of CDK's bootstrap. */
  readonly deployer: Role;

  /** @throws GlowplugError CONFIG_INVALID for what is no repository */
  constructor(scope: Construct, id: string, props: ModelPipelineProps) {
    super(scope, id);
    const { store, repository, branch = 'main', environment = 'production', models = ['*'] } = props;
    // A wildcard here would hand the roles to somebody else's repository.
    for (const [what, name] of Object.entries({ repository, branch, environment })) {
      if (!/[*?]/.test(name) && (what !== 'repository' || /^[\w.-]+\/[\w.-]+$/.test(name))) continue;
      const expected = what === 'repository' ? 'owner/name' : 'the name of one';
      throw new GlowplugError('CONFIG_INVALID', `expected ${what} to be ${expected}, got ${name}`);
    }
    this.provider =
      props.provider ?? new OidcProviderNative(this, 'GitHub', { url: `https://${issuer}`, clientIds: [audience] });
    this.publisher = this.#role('Publisher', `repo:${repository}:ref:refs/heads/${branch}`);
    store.grantPublish(this.publisher, models);
    this.deployer = this.#role('Deployer', `repo:${repository}:environment:${environment}`);
    // `glowplug deploy` publishes what is not there yet, and writes pins.
    store.grantPublish(this.deployer, models);
    this.#letDeploy(props.qualifier ?? 'hnb659fds');
    for (const [key, { roleArn }] of Object.entries({ PublisherRole: this.publisher, DeployerRole: this.deployer })) {
      new CfnOutput(this, key, {
        value: roleArn,
        description: `for the variable of that kind in ${repository} on GitHub`,
      });
    }
  }

  #role(id: string, subject: string): Role {
    return new Role(this, id, {
      assumedBy: new WebIdentityPrincipal(this.provider.oidcProviderArn, {
        StringEquals: { [`${issuer}:aud`]: audience, [`${issuer}:sub`]: subject },
      }),
      description: `glowplug: ${subject}`,
      maxSessionDuration: Duration.hours(1),
    });
  }

  #letDeploy(qualifier: string): void {
    const resources = ['deploy', 'file-publishing', 'image-publishing', 'lookup'].map((what) =>
      Arn.format(
        {
          service: 'iam',
          region: '',
          resource: 'role',
          // Of any region: a stage may have several.
          resourceName: `cdk-${qualifier}-${what}-role-${Aws.ACCOUNT_ID}-*`,
          arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
        },
        Stack.of(this),
      ),
    );
    this.deployer.addToPolicy(new PolicyStatement({ actions: ['sts:AssumeRole'], resources }));
    for (const arn of resources) {
      explainWildcard(this.deployer, arn, 'The wildcard is the region: a stage may have several.');
    }
  }
}

const issuer = 'token.actions.githubusercontent.com';
const audience = 'sts.amazonaws.com';
