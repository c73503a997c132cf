import { describe, expect, it } from 'vitest';
import { audio, image, json, tensors, text, texts } from '../../../src/index.ts';
import { described, filter, firstDraft, refusal } from '../../../src/testing/page/client/accepted.ts';
import type { PageInput } from '../../../src/testing/page/page-data.ts';

/** As it comes to the page. */
function declared(input: object): PageInput {
  return JSON.parse(JSON.stringify(input));
}

const picture = declared(image({ maxPixels: 1_000_000, maxBytes: 2 * 2 ** 20 }));
const sound = declared(audio({ sampleRate: 16_000, maxSeconds: 60 }));
const anything = declared({ '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } });
const file = (name: string, type: string, size = 10) => ({ name, type, size });

describe('a file as a request', () => {
  it.each([
    [picture, file('a.png', 'image/png')],
    [picture, file('a.json', 'application/json')],
    [sound, file('a.wav', 'audio/x-wav')],
    [sound, file('a.wav', 'audio/vnd.wave')],
    [declared(tensors()), file('a.bin', '')],
    [declared(text({ maxCharacters: 10 })), file('a.txt', 'text/plain;charset=utf-8')],
    [undefined, file('a.xyz', '')],
  ])('%j takes %j', (input, given) => {
    expect(refusal(input, given)).toBeUndefined();
  });

  it.each<[PageInput, ReturnType<typeof file>, string]>([
    [picture, file('a.wav', 'audio/wav'), 'a.wav is audio/wav; the function takes image/jpeg, '],
    [picture, file('a.png', 'image/png', 3 * 2 ** 20), 'a.png has 3 MB; the function takes at most 2 MB.'],
    [sound, file('a.mp3', 'audio/mpeg'), 'a.mp3 is audio/mpeg; the function takes audio/wav, '],
    [sound, file('a', ''), 'a is of an unknown type; the function takes audio/wav, '],
  ])('%j refuses %j: %s', (input, given, message) => {
    expect(refusal(input, given)).toContain(message);
  });
});

describe('what is declared', () => {
  it('is said in words, and offered by the browser', () => {
    expect(described(picture)).toMatch(/^Takes image\/jpeg, .* or image\/avif; at most 2 MB, 1,000,000 pixels\.$/);
    expect(filter(picture)).toMatch(/^image\/jpeg,.*,application\/json$/);
    expect(filter(undefined)).toBe('');
  });

  it.each<[string, object, string | undefined, unknown]>([
    ['text', text({ maxCharacters: 10 }), 'text/plain', ''],
    ['texts', texts({ maxTexts: 2, maxCharacters: 10 }), 'application/json', { texts: [''] }],
    ['JSON', json(anything as never), 'application/json', {}],
    ['tensors', tensors(), 'application/json', { inputs: [{ name: '', shape: [1, 1], datatype: 'FP32', data: [0] }] }],
    ['an image', image({ maxPixels: 1 }), undefined, undefined],
  ])('of %s makes a request to begin with', (_what, input, contentType, body) => {
    const draft = firstDraft(declared(input));
    expect(draft?.contentType).toBe(contentType);
    expect(typeof draft?.body === 'string' && draft.body !== '' ? JSON.parse(draft.body) : draft?.body).toEqual(body);
  });
});
