// The guide's page: its command serves, its request is answered, its options exist.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { serveCommand } from '../../src/cli/serve.ts';
import { root } from '../root.ts';
import { serveProcess } from '../server/serve-process.ts';

const page = readFileSync(join(root, 'docs/guide/5-serve-in-a-container.md'), 'utf8');
const [serve = '', curl = ''] = [...page.matchAll(/```sh run\n(.*)\n```/g)].map(([, line = '']) => line);

describe('docs/guide/5-serve-in-a-container.md', () => {
  it('serves with its command, and answers its request', async () => {
    const args = serve
      .replace('npx glowplug serve ', '')
      .replace(/port 800\d/g, 'port 0')
      .split(' ');
    await using running = serveProcess(args);
    const { url, grpc } = await running.ready();
    expect(grpc).toMatch(/:\d+$/);
    const [, path = '', body = ''] = /^curl http:\/\/127\.0\.0\.1:8000(\S+) -d '(.*)'$/.exec(curl) ?? [];
    const response = await fetch(`${url}${path}`, { method: 'POST', body });
    expect(Object(await response.json()).outputs[0]).toMatchObject({ name: 'class', data: [0] });
  });

  it('names options that there are', () => {
    const known = serveCommand().options.map(({ long }) => long);
    const named = [...page.matchAll(/(--[a-z][a-z-]*)/g)].map(([, option = '']) => option);
    const others = ['--target', '--build-arg', '--read-only', '--tmpfs'];
    expect(named.filter((option) => !known.includes(option) && !others.includes(option))).toEqual([]);
    expect(named.length).toBeGreaterThan(8);
  });
});
