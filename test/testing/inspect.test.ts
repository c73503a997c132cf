// A debugger attached to a function of the local cloud: it stops where it is told to, for as long as it is looked at.
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { startLocalCloud } from '../../src/testing/index.ts';
import { testApp } from './app.ts';

const source = `export const handler = async ({ number }, context) => {
  const doubled = 2 * number;
  return doubled;
};`;

describe('inspecting a function', () => {
  it('stops at a breakpoint, without the function’s time limit, shows what is there and goes on', async () => {
    using app = testApp({});
    app.write('stops', source, { Timeout: 1 });
    const lines: string[] = [];
    await using cloud = await startLocalCloud({
      root: app.root,
      inspect: { function: 'stops', port: 0 },
      log: (_name, line) => lines.push(line),
    });
    expect(await cloud.function('stops').invoke({ number: 1 })).toBe(2);
    const url = /ws:\S+/.exec(lines.join('\n'))?.[0];
    using debug = await attach(url!);
    await debug.send('Debugger.enable');
    await debug.send('Debugger.setBreakpointByUrl', { lineNumber: 2, urlRegex: 'asset\\..*index\\.mjs$' });
    const answers = [cloud.function('stops').invoke({ number: 21 }), cloud.function('stops').invoke({ number: 4 })];
    for (const expected of [42, 8]) {
      const { callFrames } = await debug.event('Debugger.paused');
      const [{ callFrameId }] = callFrames;
      const evaluate = async (expression: string) =>
        (await debug.send('Debugger.evaluateOnCallFrame', { callFrameId, expression })).result.value;
      expect(await evaluate('doubled')).toBe(expected);
      // Of one second the template grants.
      expect(await evaluate('context.getRemainingTimeInMillis()')).toBeGreaterThan(60_000);
      await debug.send('Debugger.resume');
    }
    expect(await Promise.all(answers)).toEqual([42, 8]);
  });

  it('names the functions there are when there is none of that name', async () => {
    using app = testApp({ one: source });
    const attempt = startLocalCloud({ root: app.root, inspect: { function: 'other' } });
    await expect(attempt).rejects.toThrow('expected one of the functions one to inspect, got other');
  });
});

/** What is asked for of results and events. */
interface Said {
  readonly callFrames: readonly [{ readonly callFrameId: string }];
  readonly result: { readonly value: unknown };
}

/** As much of a debugger as the test needs. */
async function attach(url: string) {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const waiting = new Map<number | string, (said: Said) => void>();
  const early = new Map<string, Said[]>();
  let last = 0;
  socket.onmessage = ({ data }) => {
    const { id, result, method, params } = JSON.parse(String(data));
    const key = id ?? method;
    const resolve = waiting.get(key);
    waiting.delete(key);
    if (resolve) resolve(id === undefined ? params : result);
    else early.set(key, [...(early.get(key) ?? []), params]);
  };
  return {
    send: (method: string, params: object = {}) =>
      new Promise<Said>((resolve) => {
        waiting.set(++last, resolve);
        socket.send(JSON.stringify({ id: last, method, params }));
      }),
    event: (method: string) => {
      const came = early.get(method)?.shift();
      return came ? Promise.resolve(came) : new Promise<Said>((resolve) => void waiting.set(method, resolve));
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
