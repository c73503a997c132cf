import { describe, expect, it } from 'vitest';
import { readConfig } from '../../infra/config.ts';

describe('readConfig', () => {
  it('is dev on x86_64 when nothing is chosen', () => {
    expect(readConfig(() => undefined)).toEqual({ stage: 'dev', architecture: 'x86_64' });
  });

  it('takes the stage and the architecture from the context', () => {
    const context: Record<string, unknown> = { 'glowplug:stage': 'prod', 'glowplug:architecture': 'arm64' };
    expect(readConfig((key) => context[key])).toEqual({ stage: 'prod', architecture: 'arm64' });
  });

  it.each([
    ['glowplug:stage', 'Prod', 'context glowplug:stage: expected dev, staging, prod, got "Prod"'],
    ['glowplug:stage', '', 'context glowplug:stage: expected dev, staging, prod, got ""'],
    ['glowplug:architecture', 'x64', 'context glowplug:architecture: expected x86_64, arm64, got "x64"'],
    ['glowplug:architecture', 3, 'context glowplug:architecture: expected x86_64, arm64, got 3'],
  ])('refuses %s=%j', (key, value, message) => {
    expect(() => readConfig((asked) => (asked === key ? value : undefined))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message, remedy: expect.stringContaining(`-c ${key}=`) }),
    );
  });
});
