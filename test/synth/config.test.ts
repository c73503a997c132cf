import { describe, expect, it } from 'vitest';
import { readConfig } from '../../infra/config.ts';
import { stages } from '../../infra/stages.ts';

const plain = { dev: {}, staging: {}, prod: {} };
const functions = ['iris', 'ocr'];

describe('readConfig', () => {
  it('is dev on x86_64 where the credentials lead, when nothing is chosen', () => {
    expect(readConfig({ 'aws:cdk:something': 1 }, plain, functions)).toEqual({
      stage: 'dev',
      name: 'glowplug-dev',
      account: undefined,
      regions: [undefined],
      architecture: 'x86_64',
      tags: { app: 'glowplug', stage: 'dev' },
      keepModels: false,
      signedModels: false,
      rollouts: false,
      dashboard: false,
      page: [],
      github: undefined,
      functions: {},
    });
  });

  it('takes the stage and the architecture from the context, the rest from the stage', () => {
    const prod = {
      account: '111122223333',
      regions: ['us-gov-east-1'],
      architecture: 'x86_64',
      tags: { team: 'vision' },
      page: ['ops@example.com'],
      github: { repository: 'garden/flowers' },
      functions: { ocr: { memorySize: 3008, provisionedConcurrency: 2, quality: true, queue: true } },
    };
    const context = { 'glowplug:stage': 'prod', 'glowplug:architecture': 'arm64' };
    expect(readConfig(context, { ...plain, prod }, functions)).toEqual({
      ...prod,
      dashboard: true,
      stage: 'prod',
      name: 'glowplug-prod',
      architecture: 'arm64',
      tags: { app: 'glowplug', stage: 'prod', team: 'vision' },
      keepModels: true,
      signedModels: true,
      rollouts: true,
    });
  });

  it.each(['dev', 'staging', 'prod'])('takes this app’s own stage %s', (stage) => {
    expect(readConfig({ 'glowplug:stage': stage }, stages, [...functions, 'speech']).stage).toBe(stage);
  });

  it.each<[Record<string, unknown>, string, string]>([
    [
      { 'glowplug:stage': 'Prod' },
      'context glowplug:stage: expected dev, staging, prod, got "Prod"',
      '-c glowplug:stage=dev',
    ],
    [{ 'glowplug:stage': '' }, 'context glowplug:stage: expected dev, staging, prod, got ""', '-c glowplug:stage='],
    [
      { 'glowplug:architecture': 3 },
      'context glowplug:architecture: expected x86_64, arm64, got 3',
      '-c glowplug:arch',
    ],
    [
      { 'glowplug:stge': 'prod' },
      'context: expected glowplug:stage, glowplug:architecture, glowplug:suffix, got "glowplug:stge"',
      'Write glowplug:stage.',
    ],
  ])('refuses the context %j', (context, message, remedy) => {
    expect(() => readConfig(context, plain, functions)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message, remedy: expect.stringContaining(remedy) }),
    );
  });

  it('puts a second stage of the same kind beside the first by a suffix, but for prod', () => {
    const named = (stage: string) =>
      readConfig({ 'glowplug:stage': stage, 'glowplug:suffix': 'pr12' }, plain, functions);
    expect(named('dev').name).toBe('glowplug-dev-pr12');
    expect(() => named('prod')).toThrow('context glowplug:suffix: expected none in prod, got "pr12"');
  });

  it.each<[unknown, string, string]>([
    [{ regoins: ['eu-west-1'] }, 'stages.dev: expected account, regions,', 'Write regions.'],
    [{ account: '1234' }, 'stages.dev.account: expected twelve digits, got "1234"', 'infra/stages.ts'],
    [
      { regions: ['Ireland'] },
      'stages.dev.regions: expected regions such as eu-west-1, got ["Ireland"]',
      'infra/stages.ts',
    ],
    [{ regions: [] }, 'stages.dev.regions: expected regions such as', 'infra/stages.ts'],
    [{ regions: ['eu-west-1', 'eu-west-1'] }, 'stages.dev.regions: expected regions such as', 'infra/stages.ts'],
    [{ architecture: 'arm46' }, 'stages.dev.architecture: expected x86_64, arm64, got "arm46"', 'Write arm64.'],
    [{ tags: { team: 7 } }, 'stages.dev.tags: expected texts by name', 'infra/stages.ts'],
    [{ keepModels: 'yes' }, 'stages.dev.keepModels: expected true or false, got "yes"', 'infra/stages.ts'],
    [{ functions: { orc: {} } }, 'stages.dev.functions: expected iris, ocr, got "orc"', 'Write ocr.'],
    [{ functions: { ocr: { memory: 1 } } }, 'stages.dev.functions.ocr: expected memorySize,', 'infra/stages.ts'],
    [
      { functions: { ocr: { memorySize: 64 } } },
      'stages.dev.functions.ocr.memorySize: expected a whole number from 128',
      'infra',
    ],
    [{ functions: { ocr: { qualty: true } } }, 'stages.dev.functions.ocr: expected memorySize,', 'Write quality.'],
    [
      { functions: { ocr: { quality: 'yes' } } },
      'stages.dev.functions.ocr.quality: expected true or false, got "yes"',
      'infra/stages.ts',
    ],
    [{ dashboard: true, page: ['ops'] }, 'stages.dev.page: expected e-mail addresses such as', 'infra/stages.ts'],
    [
      { page: ['ops@example.com'] },
      'stages.dev.page: expected a dashboard, which has the alarms; there is none',
      'dashboard: true',
    ],
    [{ github: { repository: 'garden/*' } }, 'stages.dev.github.repository: expected owner/name', 'infra/stages.ts'],
    [
      { github: { repository: 'a/b', provider: 'GitHub' } },
      'stages.dev.github.provider: expected the ARN of a provider',
      'infra/stages.ts',
    ],
    [
      { github: { repository: 'a/b' }, regions: ['eu-west-1', 'us-east-1'] },
      'stages.dev.github: expected a stage of one region, it has 2',
      'ModelPipeline',
    ],
    [{ github: { repo: 'a/b' } }, 'stages.dev.github: expected repository, provider, got "repo"', 'infra/stages.ts'],
    ['small', 'stages.dev: expected a record of settings, got "small"', 'infra/stages.ts'],
  ])('refuses the stage %j', (dev, message, remedy) => {
    expect(() => readConfig({}, { ...plain, dev }, functions)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(message),
        remedy: expect.stringContaining(remedy),
      }),
    );
  });

  it.each(['keepModels', 'signedModels'])('lets nobody turn off %s in prod', (key) => {
    expect(() => readConfig({ 'glowplug:stage': 'prod' }, { ...plain, prod: { [key]: false } }, functions)).toThrow(
      expect.objectContaining({ message: `stages.prod.${key}: expected true in prod, got false` }),
    );
  });
});
