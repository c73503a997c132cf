// Triton's own Python client against the protocol, over HTTP: every element type, both ways, compressed and not.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fetch } from '../protocol/ask.ts';
import { root } from '../root.ts';

const run = promisify(execFile);
const venv = join(root, '.glowplug/peers/tritonclient');
const python = join(venv, 'bin/python');

describe('tritonclient', () => {
  it('is answered by the protocol as by Triton', { timeout: 600_000 }, async ({ skip }) => {
    const missing = await install();
    if (missing !== undefined) {
      console.log(`tritonclient: skipped, ${missing}`);
      skip(missing);
    }
    await using server = await serve();
    const { stdout } = await run(python, [join(root, 'test/peers/oip_client.py'), server.address], {
      timeout: 120_000,
    });
    const checks: { check: string; ok: boolean; why?: string }[] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    console.log(`tritonclient: ${checks.filter(({ ok }) => ok).length} of ${checks.length} checks`);
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.length).toBeGreaterThan(90);
  });
});

/** The client in an environment of its own, once; or why it cannot be had. */
async function install(): Promise<string | undefined> {
  try {
    if (!existsSync(python)) await run('python3', ['-m', 'venv', venv], { timeout: 120_000 });
    await run(python, ['-c', 'import tritonclient.http']).catch(() =>
      run(python, ['-m', 'pip', 'install', '--quiet', 'tritonclient[http]==2.73.0'], { timeout: 400_000 }),
    );
    return undefined;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    return `no Python with tritonclient: ${(stderr.trim().split('\n').at(-1) || message).slice(0, 200)}`;
  }
}

/** The function behind node:http, as any server would put it. */
async function serve() {
  const server = createServer((message, answer) => {
    void (async () => {
      const bodyless = message.method === 'GET' || message.method === 'HEAD';
      const request = new Request(`http://${message.headers.host}${message.url}`, {
        method: message.method ?? 'GET',
        headers: Object.entries(message.headers).map(([name, value]): [string, string] => [name, String(value)]),
        ...(bodyless ? {} : { body: Readable.toWeb(message), duplex: 'half' }),
      });
      const response = await fetch(request);
      answer.writeHead(response.status, Object.fromEntries(response.headers));
      answer.end(Buffer.from(await response.arrayBuffer()));
    })();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
