// A store that demands signatures: what its functions are given, and what synth refuses before anything is deployed.
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { InferenceFunction, ModelStore } from '../../src/cdk/index.ts';
import { generateKey } from '../../src/models/signer.ts';
import { fixtureProject } from '../build/fixtures/project.ts';
import { synthStage } from './synth-stage.ts';

afterEach(() => vi.unstubAllEnvs());

const { x: publicKey } = generateKey('ci');
const ci = (...models: string[]) => ({ publicKey, models });

describe('a function of a store that demands signatures', () => {
  it('is given the keys by which it checks what a channel brings', () => {
    const trusted = { keys: { ci: ci('iris') }, floors: { iris: '1.0.0' } };
    expect(JSON.parse(synth({ trusted }).keys)).toEqual(trusted);
  });

  it('is given none where the store demands none', () => {
    expect(synth({ trusted: { keys: { ci: ci('*') } }, signed: false })).toEqual({
      keys: undefined,
      warnings: [],
      rules: {},
    });
  });

  describe.each([undefined, {}, { floors: { iris: '1.0.0' } }])('where models.keys.json holds %j', (trusted) => {
    it('can be looked at without an account, and CloudFormation itself refuses what was synthesised', () => {
      const { keys, warnings, rules } = synth({ trusted });
      expect(keys).toBeUndefined();
      expect(warnings).toEqual([
        expect.stringMatching(/names no key: it can be looked at, not deployed\. Run glowplug keygen/),
      ]);
      const [{ Assertions, ...condition } = { Assertions: [] }] = Object.values(rules);
      // Without a condition a rule holds always; its assertion never does.
      expect(condition).toEqual({});
      expect(Assertions).toEqual([
        {
          Assert: { 'Fn::Equals': ['keys in models.keys.json', 'none'] },
          AssertDescription: expect.stringMatching(/names no key\. Run glowplug keygen .* --sign/),
        },
      ]);
    });

    it.each(['its stack', 'credentials'])('is refused at synth where %s names an account', (who) => {
      const account = '111122223333';
      if (who === 'credentials') vi.stubEnv('CDK_DEFAULT_ACCOUNT', account);
      expect(() => synth({ trusted, ...(who === 'credentials' ? {} : { account }) })).toThrow(
        expect.objectContaining({
          code: 'CONFIG_INVALID',
          message: 'function sort: its store demands signed models, and models.keys.json names no key',
          remedy: expect.stringContaining('glowplug keygen'),
        }),
      );
    });
  });

  it('of this app: stage prod is refused as soon as an account is known', async () => {
    const prod = { account: '111122223333' };
    await expect(synthStage('prod', { prod }, ['iris'])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it.each([
    [
      'no key may sign its model',
      { keys: { ci: ci('ocr', 'spam') } },
      'CONFIG_INVALID',
      'expected a key in models.keys.json that may sign iris, its keys are for ocr, spam',
      'glowplug sign',
    ],
    [
      'the lock file is below the floor',
      { keys: { ci: ci('*') }, floors: { iris: '1.0.1' } },
      'BELOW_FLOOR',
      'expected iris at 1.0.1 or above, got 1.0.0',
      'floor',
    ],
    ['the file has a slip', { kyes: {} }, 'CONFIG_INVALID', 'to hold keys and floors, got "kyes"', 'Mend the file'],
    [
      'they do not fit',
      { keys: Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`ci-${at}`, ci('*')])) },
      'CONFIG_INVALID',
      'to fit into 2048 bytes',
      'Remove keys',
    ],
  ])('is refused where %s', (_why, trusted, code, message, remedy) => {
    expect(() => synth({ trusted })).toThrow(
      expect.objectContaining({
        code,
        message: expect.stringContaining(message),
        remedy: expect.stringContaining(remedy),
      }),
    );
  });
});

interface Setting {
  readonly trusted?: unknown;
  readonly signed?: boolean;
  readonly account?: string;
}

function synth({ trusted, signed = true, account }: Setting) {
  using project = fixtureProject();
  if (trusted) project.write('models.keys.json', JSON.stringify(trusted));
  const app = new App({ outdir: join(project.root, 'cdk.out'), context: { 'aws:cdk:disable-asset-staging': true } });
  const env = account ? { env: { account } } : {};
  const store = new ModelStore(new Stack(app, 'Store', env), 'ModelStore', { signed });
  const stack = new Stack(app, 'Functions', env);
  new InferenceFunction(stack, 'Sort', { entry: project.entry('sort'), store });
  const [made] = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function'));
  const found = Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('models.keys.json'));
  return {
    keys: made?.['Properties'].Environment.Variables.GLOWPLUG_TRUSTED_KEYS,
    warnings: found.map(({ entry }) => entry.data),
    // CDK's own asks for a bootstrap that is new enough.
    rules: Object.fromEntries(
      Object.entries<{ Assertions: object[] }>(Template.fromStack(stack).toJSON()['Rules'] ?? {}).filter(
        ([id]) => id !== 'CheckBootstrapVersion',
      ),
    ),
  };
}
