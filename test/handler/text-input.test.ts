// text() and texts(): what a client may send, and what it is told when it sends something else.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createContext } from '../../src/handler/context.ts';
import { text, texts } from '../../src/handler/text-input.ts';
import { runs } from '../runs.ts';

const one = text({ maxCharacters: 20 });
const many = texts({ maxTexts: 3, maxCharacters: 20 });

describe('text() takes', () => {
  it.each([
    ['JSON', 'application/json', '{"text":"Grüße"}', 'Grüße'],
    ['JSON of a type of its own', 'application/vnd.mail+json; charset=utf-8', '{"text":"hi"}', 'hi'],
    ['plain text, UTF-8 where no charset is named', 'text/plain', 'Grüße', 'Grüße'],
    ['a charset', 'text/plain; charset=ISO-8859-1', Buffer.from('Grüße', 'latin1'), 'Grüße'],
    [
      'a charset in quotes, in capitals',
      'Text/Plain; format=flowed; Charset="UTF-16LE"',
      Buffer.from('né', 'utf16le'),
      'né',
    ],
    ['a byte order mark, which is no part of the text', 'text/plain', '\ufeffhi', 'hi'],
  ])('%s', async (_what, contentType, body, expected) => {
    expect(await ask(one, contentType, body)).toEqual({ text: expected });
  });

  it('every text as JSON as it is', async () => {
    const seen = { texts: 0 };
    const property = fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 10 }), async (given) => {
      fc.pre(given.trim() !== '');
      seen.texts++;
      expect(await ask(one, 'application/json', JSON.stringify({ text: given }))).toEqual({ text: given });
    });
    await fc.assert(property, { numRuns: runs(100) });
    console.log(`text(): ${seen.texts} texts came as they were sent`);
  });
});

describe('text() refuses', () => {
  it.each([
    ['a body of nothing', 'text/plain', '', 'INPUT_EMPTY', /body/],
    ['white space', 'text/plain', ' \n', 'INPUT_TEXT', /got none/],
    ['an empty text', 'application/json', '{"text":""}', 'INPUT_TEXT', /got none/],
    ['JSON without the field', 'application/json', '{"txt":"a"}', 'INPUT_TEXT', /text: expected text, got none/],
    ['a number', 'application/json', '{"text":5}', 'INPUT_TEXT', /got a number/],
    ['an array', 'application/json', '["a"]', 'INPUT_TEXT', /no object/],
    ['what is no JSON', 'application/json', '{"text', 'INPUT_JSON', /expected JSON/],
    ['half a surrogate pair', 'application/json', '{"text":"\\ud83d"}', 'INPUT_TEXT', /half of one/],
    ['bytes that are not UTF-8', 'text/plain', Uint8Array.of(0x47, 0xfc), 'INPUT_TEXT', /in utf-8, got bytes/],
    [
      'another charset through a function URL, which put U+FFFD in the place of its bytes',
      'text/plain; charset=iso-8859-1',
      'Gr\ufffd\ufffde',
      'INPUT_TEXT',
      /lost character/,
    ],
    ['an unknown charset', 'text/plain; charset=klingon', 'a', 'INPUT_TEXT', /klingon/],
    ['a form', 'application/x-www-form-urlencoded', 'text=a', 'INPUT_TEXT', /text\/plain/],
    ['a text over the limit', 'text/plain', 'a'.repeat(21), 'INPUT_TOO_LARGE', /at most 20 characters.*got 21/],
  ])('%s', async (_what, contentType, body, code, message) => {
    await expect(ask(one, contentType, body)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('more bytes than allowed before it keeps them', async () => {
    const small = text({ maxCharacters: 20, maxBytes: 8 });
    await expect(ask(small, 'text/plain', 'a'.repeat(9))).rejects.toMatchObject({ code: 'INPUT_TOO_LARGE' });
  });
});

describe('texts()', () => {
  it.each([
    ['several', 'application/json', '{"texts":["a","b"]}', ['a', 'b']],
    ['one as JSON', 'application/json', '{"text":"a"}', ['a']],
    ['one as plain text', 'text/plain', 'a\nb', ['a\nb']],
  ])('takes %s', async (_what, contentType, body, expected) => {
    expect(await ask(many, contentType, body)).toEqual({ texts: expected });
  });

  it.each([
    ['none', '{"texts":[]}', 'INPUT_TEXT', /got texts \[\]/],
    ['what is no array', '{"texts":"a"}', 'INPUT_TEXT', /got texts "a"/],
    [
      'one that is no text, and says which',
      '{"texts":["a",null]}',
      'INPUT_TEXT',
      /texts\[1\]: expected text, got null/,
    ],
    ['too many', '{"texts":["a","b","c","d"]}', 'INPUT_TOO_LARGE', /at most 3 texts \(maxTexts\), got 4/],
    ['one that is too long', `{"texts":["a","${'b'.repeat(21)}"]}`, 'INPUT_TOO_LARGE', /texts\[1\]/],
  ])('refuses %s', async (_what, body, code, message) => {
    await expect(ask(many, 'application/json', body)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});

it('both say what they accept, for forms and API descriptions', () => {
  expect(one).toMatchObject({ kind: 'text', accepts: { jsonField: { name: 'text' }, limits: { maxCharacters: 20 } } });
  expect(many).toMatchObject({ kind: 'text', accepts: { jsonField: { name: 'texts' }, limits: { maxTexts: 3 } } });
});

async function ask(input: typeof one | typeof many, contentType: string, body: string | Uint8Array<ArrayBuffer>) {
  const request = new Request('http://localhost/', { method: 'POST', headers: { 'content-type': contentType }, body });
  return await input.decode(request, createContext());
}
