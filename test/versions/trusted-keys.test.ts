// models.keys.json, floors, and the order of versions.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signedBy } from '../../src/handler/signed-by.ts';
import { compareVersions } from '../../src/models/floor.ts';
import { resolve } from '../../src/models/resolve.ts';
import { rollback } from '../../src/models/rollback.ts';
import { generateKey } from '../../src/models/signer.ts';
import { tag } from '../../src/models/tag.ts';
import { parseTrustedKeys, serializeTrustedKeys } from '../../src/models/trusted-keys.ts';
import { publishVersions, versionAt } from './channel.ts';
import { memoryStore } from './memory-store.ts';

const { x } = generateKey('ci');

describe('models.keys.json', () => {
  it('is read as it is written', () => {
    const trusted = { keys: { ci: { publicKey: x, models: ['*'] } }, floors: { 'ppocr-rec': '1.4.0' } };
    expect(parseTrustedKeys(serializeTrustedKeys(trusted))).toEqual(trusted);
    expect(parseTrustedKeys('{}')).toEqual({ keys: {}, floors: {} });
  });

  it.each([
    ['no JSON', '{', 'to be JSON: Expected property name'],
    ['a list', '[]', 'to be an object'],
    ['a slip in a name', '{"key":{}}', 'to hold keys and floors, got "key"'],
    [
      'a slip in a key',
      `{"keys":{"ci":{"publicKey":"${x}","model":["*"]}}}`,
      'to hold publicKey and models, got "model"',
    ],
    ['a key without models', `{"keys":{"ci":{"publicKey":"${x}","models":[]}}}`, 'to list models'],
    ['a model that is none', `{"keys":{"ci":{"publicKey":"${x}","models":["No"]}}}`, 'to list models'],
    ['a key that is too short', '{"keys":{"ci":{"publicKey":"abc","models":["*"]}}}', '32 bytes in base64url'],
    ['an id that is none', `{"keys":{"a b":{"publicKey":"${x}","models":["*"]}}}`, 'of letters, digits'],
    ['a floor that is a channel', '{"floors":{"iris":"prod"}}', 'to be a version'],
  ])('with %s is refused: a slip must not turn a check off', (_what, text, message) => {
    expect(() => parseTrustedKeys(text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('signedBy', () => {
  it('gives a function that follows what it asks before it loads a version', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0');
    const version = await resolve(store, 'tiny:1.0.0');
    await signedBy({ floors: { tiny: '1.0.0' } })(store, version);
    await expect(signedBy({ floors: { tiny: '1.0.1' } })(store, version)).rejects.toMatchObject({
      code: 'BELOW_FLOOR',
    });
    const verify = signedBy({ keys: { ci: { publicKey: x, models: ['*'] } } });
    await expect(verify(store, version)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
    expect(() => signedBy({ kyes: {} })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('a floor', () => {
  it('keeps tag and rollback from going below it', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0', '1.4.0', '2.0.0');
    const below = { code: 'BELOW_FLOOR', message: expect.stringContaining('tiny at 1.4.0 or above, got 1.0.0') };
    const move = (from: string, floor?: string) => tag(store, 'tiny', { from, to: 'prod', floor });
    await expect(move('1.0.0', '1.4.0')).rejects.toMatchObject(below);
    await move('1.0.0');
    await move('1.4.0', '1.4.0');
    await expect(rollback(store, 'tiny', { channel: 'prod', floor: '1.4.0' })).rejects.toMatchObject(below);
    expect(await versionAt(store, 'prod')).toBe('1.4.0');
    await rollback(store, 'tiny', { channel: 'prod' });
    expect(await versionAt(store, 'prod')).toBe('1.0.0');
  });
});

describe('the order of versions', () => {
  it('is by numbers, with what comes before a release before it', () => {
    const ordered = [
      '0.9',
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.1',
      '1.2',
      '1.10',
      '2',
      '2024.11.1',
    ];
    for (const [index, one] of ordered.entries()) {
      for (const [at, another] of ordered.entries()) {
        expect([one, another, Math.sign(compareVersions(one, another))]).toEqual([one, another, Math.sign(index - at)]);
      }
    }
    expect(compareVersions('1.0', '1.0.0')).toBe(0);
    expect(compareVersions('1.0.0+build.5', '1.0.0')).toBe(0);
  });

  it('is an order: of any three, in whatever way they are asked about', () => {
    const part = fc.oneof(fc.nat({ max: 12 }).map(String), fc.constantFrom('a', 'b', 'rc', '0b'));
    const parts = fc.array(part, { minLength: 1, maxLength: 3 }).map((all) => all.join('.'));
    const version = fc.tuple(parts, fc.option(parts)).map(([core, pre]) => (pre === null ? core : `${core}-${pre}`));
    let triples = 0;
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        triples++;
        expect(Math.sign(compareVersions(a, b))).toBe(Math.sign(-compareVersions(b, a)) + 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) {
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
        }
      }),
      { numRuns: 2_000 },
    );
    console.log(`triples of versions ordered: ${triples}`);
  });
});
