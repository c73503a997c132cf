// What glowplug makes of events without loading undici says the same as the platform's own.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LightHeaders, LightRequest, LightResponse } from '../../src/core/light-http.ts';
import { createContext } from '../../src/handler/context.ts';
import { defineFunction, type References } from '../../src/handler/define.ts';
import { json } from '../../src/handler/input.ts';
import { fakeHost } from '../handler/fake-host.ts';
import { root } from '../root.ts';
import { runs } from '../runs.ts';

const name = fc.stringMatching(/^[A-Za-z][A-Za-z-]{0,8}$/);
const names = fc.oneof(name, fc.constantFrom('Set-Cookie', 'set-cookie', 'Cookie', 'Accept', 'accept'));
const value = fc.stringMatching(/^[ -~]{0,12}$/);
const entries = fc.array(fc.tuple(names, value), { maxLength: 8 });

describe('light headers, requests and answers', () => {
  it('have the headers that the platform’s own have', () => {
    fc.assert(
      fc.property(entries, names, value, (list, other, set) => {
        const light = new LightHeaders(list);
        const own = new Headers(list);
        expect([...light]).toEqual([...own]);
        expect(light.get(other)).toBe(own.get(other));
        expect(light.has(other)).toBe(own.has(other));
        light.set(other, set);
        own.set(other, set);
        expect([...light]).toEqual([...own]);
        expect(light.getSetCookie()).toEqual(own.getSetCookie());
      }),
      { numRuns: runs(300) },
    );
  });

  it('become the platform’s own, with everything that they had', async () => {
    const headers = new LightHeaders([['x-a', '1']]);
    const light = new LightRequest('https://host/a b?q=ä', { method: 'post', headers, body: 'héllo' });
    const own = new Request('https://host/a b?q=ä', { method: 'post', headers: { 'x-a': '1' }, body: 'héllo' });
    const made = light.toRequest();
    for (const request of [light, made]) {
      expect([request.url, request.method, [...request.headers]]).toEqual([own.url, own.method, [...own.headers]]);
    }
    expect([await light.text(), await made.text()]).toEqual(['héllo', 'héllo']);
    const answer = LightResponse.json({ a: 1 }, { status: 418, headers: { 'x-b': '2' } });
    const response = answer.toResponse();
    expect([response.status, response.headers.get('content-type'), response.headers.get('x-b')]).toEqual([
      418,
      'application/json',
      '2',
    ]);
    expect([await answer.json(), await response.json()]).toEqual([{ a: 1 }, { a: 1 }]);
  });

  it('refuse what the platform’s own refuse', () => {
    expect(() => new LightRequest('no url', { method: 'GET', headers: new LightHeaders() })).toThrow(TypeError);
    expect(() => LightResponse.json(undefined)).toThrow(TypeError);
  });

  it('are met by glowplug’s own decodes alone: any other is handed a Request', async () => {
    const met: unknown[] = [];
    const base = json({ '~standard': { version: 1, vendor: 'test', validate: (input) => ({ value: input }) } });
    const ask = async (input: typeof base) => {
      const fn = defineFunction<References, unknown, unknown>({ input, predict: (value) => value }, fakeHost().host);
      const headers = new LightHeaders([['content-type', 'application/json']]);
      const request = new LightRequest('https://host/', { method: 'POST', headers, body: '{"a":1}' });
      return await (await fn.answer(request, createContext({}))).json();
    };
    const wrapped: typeof base = {
      ...base,
      async decode(request, context) {
        met.push(request);
        const form = await request.clone().text();
        return { form, value: await base.decode(request, context) };
      },
    };
    expect(await ask(base)).toEqual({ a: 1 });
    expect(await ask(wrapped)).toEqual({ form: '{"a":1}', value: { a: 1 } });
    expect(met[0]).toBeInstanceOf(Request);
  });

  it('keep undici out of a process that answers a direct invocation and one over HTTP', () => {
    const script = `
      for (const name of ['Request', 'Response', 'Headers', 'fetch', 'FormData']) {
        Object.defineProperty(globalThis, name, { get() { throw new Error(name + ' was touched'); } });
      }
      const { inference, json } = await import('glowplug');
      const handler = inference({
        input: json({ '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }),
        predict: (value) => value,
      });
      const context = { getRemainingTimeInMillis: () => 5000, awsRequestId: 'r' };
      const url = { version: '2.0', rawPath: '/', headers: { 'content-type': 'application/json' }, body: '[2]',
        requestContext: { http: { method: 'POST' } } };
      console.log(JSON.stringify([await handler([1], context), (await handler(url, context)).body]));`;
    const args = ['--conditions=glowplug-source', '--disable-warning=ExperimentalWarning', '--input-type=module', '-e'];
    const options = { cwd: join(root, 'test'), encoding: 'utf8' as const };
    expect(JSON.parse(execFileSync(process.execPath, [...args, script], options))).toEqual([[1], '[2]']);
  });
});
