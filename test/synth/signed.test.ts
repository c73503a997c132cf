// A store that demands signatures: what its functions are given, and what synth refuses before anything is deployed.
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { InferenceFunction, ModelStore } from '../../src/cdk/index.ts';
import { generateKey } from '../../src/models/signer.ts';
import { fixtureProject } from '../build/fixtures/project.ts';

const { x: publicKey } = generateKey('ci');
const ci = (...models: string[]) => ({ publicKey, models });

describe('a function of a store that demands signatures', () => {
  it('is given the keys by which it checks what a channel brings', () => {
    const trusted = { keys: { ci: ci('iris') }, floors: { iris: '1.0.0' } };
    expect(JSON.parse(synth({ trusted }).keys)).toEqual(trusted);
  });

  it('is given none where the store demands none', () => {
    expect(synth({ trusted: { keys: { ci: ci('*') } }, signed: false })).toEqual({ keys: undefined, warnings: [] });
  });

  it.each([undefined, {}, { floors: { iris: '1.0.0' } }])(
    'warns at synth that deploy will refuse it, where models.keys.json holds %j',
    (trusted) => {
      expect(synth({ trusted })).toEqual({
        keys: undefined,
        warnings: [expect.stringMatching(/names no key: glowplug deploy refuses it\. Run glowplug keygen/)],
      });
    },
  );

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

function synth({ trusted, signed = true }: { trusted?: unknown; signed?: boolean }) {
  using project = fixtureProject();
  if (trusted) project.write('models.keys.json', JSON.stringify(trusted));
  const app = new App({ outdir: join(project.root, 'cdk.out'), context: { 'aws:cdk:disable-asset-staging': true } });
  const store = new ModelStore(new Stack(app, 'Store'), 'ModelStore', { signed });
  const stack = new Stack(app, 'Functions');
  new InferenceFunction(stack, 'Sort', { entry: project.entry('sort'), store });
  const [made] = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function'));
  const found = Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('models.keys.json'));
  return {
    keys: made?.['Properties'].Environment.Variables.GLOWPLUG_TRUSTED_KEYS,
    warnings: found.map(({ entry }) => entry.data),
  };
}
