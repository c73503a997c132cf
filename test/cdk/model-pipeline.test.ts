// ModelPipeline: whose jobs take which role, and what each may do to the store and to the account.
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { OidcProviderNative } from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { ModelPipeline, type ModelPipelineProps, ModelStore } from '../../src/cdk/index.ts';
import { fixtureProject } from '../build/fixtures/project.ts';
import { isAllowed, statementsOf } from './policy.ts';

describe('ModelPipeline', () => {
  const { template } = synth();
  const roleId = (name: string) =>
    Object.keys(template.findResources('AWS::IAM::Role')).find((id) => id.startsWith(`Pipeline${name}`)) ?? '';
  const [bucket] = Object.keys(template.findResources('AWS::S3::Bucket'));
  const may = (role: string, action: string, key: string) =>
    isAllowed(statementsOf(template, roleId(role)), { action, resource: `<${bucket}.Arn>${key}` });

  it('gives its roles to one branch and one environment of one repository, by name', () => {
    const subject = (role: string) => {
      const [{ Action, Condition }] =
        template.findResources('AWS::IAM::Role')[roleId(role)]!['Properties'].AssumeRolePolicyDocument.Statement;
      expect([Action, Object.keys(Condition)]).toEqual(['sts:AssumeRoleWithWebIdentity', ['StringEquals']]);
      expect(Condition.StringEquals['token.actions.githubusercontent.com:aud']).toBe('sts.amazonaws.com');
      return Condition.StringEquals['token.actions.githubusercontent.com:sub'];
    };
    expect(subject('Publisher')).toBe('repo:garden/flowers:ref:refs/heads/main');
    expect(subject('Deployer')).toBe('repo:garden/flowers:environment:production');
  });

  it.each(['Publisher', 'Deployer'])(
    'lets the %s write versions of its models, and delete or touch nothing else',
    (role) => {
      for (const key of ['/garden/oci-layout', '/garden/index.json', '/garden/blobs/sha256/ab']) {
        expect([key, may(role, 's3:PutObject', key)]).toEqual([key, true]);
        expect([key, may(role, 's3:GetObject', key)]).toEqual([key, true]);
        expect([key, may(role, 's3:DeleteObject', key)]).toEqual([key, false]);
        expect(may(role, 's3:PutObject', key.replace('garden', 'iris'))).toBe(false);
      }
      expect(may(role, 's3:ListBucket', '')).toBe(true);
      expect(may(role, 's3:PutBucketPolicy', '')).toBe(false);
      expect(may(role, 's3:BypassGovernanceRetention', '/garden/index.json')).toBe(false);
    },
  );

  it('lets the deployer take the roles of CDK’s bootstrap, and the publisher none', () => {
    const take = (role: string, name: string) =>
      isAllowed(statementsOf(template, roleId(role)), {
        action: 'sts:AssumeRole',
        resource: `arn:aws:iam::111122223333:role/${name}`,
      });
    const deploy = 'cdk-hnb659fds-deploy-role-111122223333-eu-west-1';
    expect([take('Deployer', deploy), take('Publisher', deploy)]).toEqual([true, false]);
    expect(take('Deployer', 'cdk-hnb659fds-cfn-exec-role-111122223333-eu-west-1')).toBe(false);
    expect(take('Deployer', 'Admin')).toBe(false);
  });

  it('publishes every model where none is named, and takes the account’s provider where there is one', () => {
    const { template: all } = synth({ models: undefined, shared: true });
    const [id = ''] = Object.keys(all.findResources('AWS::IAM::Role')).filter((each) => /Publisher/.test(each));
    const ask = { action: 's3:PutObject', resource: `<${bucket}.Arn>/iris/blobs/sha256/ab` };
    expect(isAllowed(statementsOf(all, id), ask)).toBe(true);
    all.resourceCountIs('AWS::IAM::OIDCProvider', 0);
    template.resourceCountIs('AWS::IAM::OIDCProvider', 1);
  });

  it.each([{ repository: 'garden' }, { repository: 'garden/*' }, { branch: '*' }, { environment: 'prod?' }])(
    'refuses %o, which would be others’ too',
    (props) => {
      expect(() => synth(props)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    },
  );

  it('is clean under AwsSolutions', () => {
    expect(() => synth({ nag: true })).not.toThrow();
    expect(() => synth({ nag: true, models: undefined })).not.toThrow();
  });
});

type Setting = Partial<Omit<ModelPipelineProps, 'models'>> & {
  readonly models?: readonly string[] | undefined;
  readonly shared?: boolean;
  readonly nag?: boolean;
};

function synth({ shared = false, nag = false, ...given }: Setting = {}): { template: Template } {
  const { models, ...props } = { models: ['garden'] as readonly string[] | undefined, ...given };
  using project = fixtureProject();
  const app = new App({ outdir: join(project.root, 'cdk.out') });
  const stack = new Stack(app, 'Pipelines');
  const store = new ModelStore(stack, 'ModelStore');
  const arn = 'arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com';
  new ModelPipeline(stack, 'Pipeline', {
    store,
    repository: 'garden/flowers',
    ...(models ? { models } : {}),
    ...(shared ? { provider: OidcProviderNative.fromOidcProviderArn(stack, 'GitHub', arn) } : {}),
    ...props,
  });
  if (nag) {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    Validations.of(store.bucket).acknowledge({ id: 'AwsSolutions-S1', reason: 'not the subject' });
    app.synth();
  }
  return { template: Template.fromStack(stack) };
}
