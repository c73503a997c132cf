// The local cloud's page: what it serves, whom it answers, and what a person does with it in a real browser.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../../src/testing/index.ts';
import { root } from '../../root.ts';
import { type TestApp, testApp } from '../app.ts';

const echo = `export const handler = async (event) => {
  console.log('heard ' + event.body);
  return { statusCode: 200, headers: { 'content-type': 'application/json', 'x-glowplug-model': 'm=m:1.0.0@sha256:0123456789' },
    body: JSON.stringify({ probabilities: { cat: 0.9, dog: 0.1 }, heard: '<img src=x onerror=document.title=1>' }) };
};`;

/** As inference() declares it; outside of Lambda it must not look for one. */
const declares = `console.log('loaded');
export const handler = Object.assign(async () => 1, {
  input: { kind: 'text', accepts: { contentTypes: ['text/plain'], limits: { maxBytes: process.env.LAMBDA_TASK_ROOT ? 1 : 2 } } },
});`;

describe('the page of a local cloud', () => {
  let app: TestApp;
  let cloud: LocalCloud;
  beforeAll(async () => {
    app = testApp({ echo, declares });
    cloud = await startLocalCloud({ root: app.root });
  }, 60_000);
  afterAll(async () => {
    await cloud?.[Symbol.asyncDispose]();
    app?.[Symbol.dispose]();
  });

  it('is where the AWS APIs are, for who comes with a browser', async () => {
    const answered = await fetch(cloud.endpoint, { headers: { accept: 'text/html' }, redirect: 'manual' });
    expect([answered.status, answered.headers.get('location')]).toEqual([302, '/_glowplug/']);
    expect((await fetch(cloud.endpoint)).status).toBe(403);
    const page = await fetch(cloud.page);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    expect(await page.text()).toContain('<title>glowplug');
    for (const [file, type] of Object.entries({ 'page.css': 'text/css', 'page.js': 'text/javascript' })) {
      const answered = await fetch(new URL(file, cloud.page));
      expect([answered.status, answered.headers.get('content-type')]).toEqual([200, `${type}; charset=utf-8`]);
    }
    expect((await fetch(new URL('nothing', cloud.page))).status).toBe(404);
  });

  it('sends a request on, signed, and answers what the function did', async () => {
    const answered = await post('functions/echo', { origin: new URL(cloud.page).origin });
    expect([answered.status, answered.headers['x-glowplug-model']]).toEqual([200, 'm=m:1.0.0@sha256:0123456789']);
    expect(JSON.parse(answered.body)).toMatchObject({ probabilities: { cat: 0.9 } });
    expect((await post('functions/nobody', { origin: new URL(cloud.page).origin })).status).toBe(404);
  });

  it('tells what a function declares that it takes, and of none where it declares nothing', async () => {
    const input = async (name: string) => await (await fetch(new URL(`functions/${name}/input`, cloud.page))).json();
    expect(await input('declares')).toEqual({
      kind: 'text',
      accepts: { contentTypes: ['text/plain'], limits: { maxBytes: 2 } },
    });
    expect(await input('echo')).toBeNull();
    expect(await input('nobody')).toBeNull();
  });

  it('does not send on what another site asks for, by a form or by a name that it lets point here', async () => {
    for (const headers of [{}, { origin: 'http://evil.example' }, { origin: 'null' }]) {
      expect((await post('functions/echo', headers)).status).toBe(403);
    }
    const rebound = { host: 'evil.example:80', origin: 'http://evil.example:80' };
    expect((await post('functions/echo', rebound)).status).toBe(403);
  });

  it('tells of the invocations that were and of those that come', async () => {
    const ended = new AbortController();
    const answered = await fetch(new URL('invocations', cloud.page), { signal: ended.signal });
    await post('functions/echo', { origin: new URL(cloud.page).origin });
    let text = '';
    for await (const chunk of answered.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.split('"done":true').length > 2) break;
    }
    ended.abort();
    expect(text).toContain('"logs":["');
    expect(text).toContain('heard');
  });

  /** As a browser would, which sets headers that fetch does not let one set. */
  async function post(path: string, headers: Record<string, string>) {
    return await new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }>(
      (resolve, reject) => {
        const sent = request(new URL(path, cloud.page), {
          method: 'POST',
          headers: { 'content-type': 'text/plain', ...headers },
        });
        sent.on('error', reject).on('response', (response) => {
          let body = '';
          response.on('data', (chunk) => (body += chunk));
          response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
        });
        sent.end('hello');
      },
    );
  }
});

const browsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = browsers.find(existsSync);
if (!executablePath) console.log(`the page in a real browser: skipped, none of ${browsers.join(', ')} is here`);

describe.skipIf(!executablePath)('the page in Chromium', () => {
  let cloud: LocalCloud;
  let browser: Browser;
  beforeAll(async () => {
    cloud = await startLocalCloud({ root });
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await cloud?.[Symbol.asyncDispose]();
  });

  it('draws the lines of ocr over the picture, its stages, and the invocation in the list', async () => {
    await using open = await opened({ colorScheme: 'light' });
    const { page } = open;
    await page.getByRole('button', { name: 'ocr' }).click();
    await page.locator('.picture img').waitFor();
    await page.getByRole('button', { name: 'Run' }).click();
    await page.locator('.answer .good').waitFor();
    await page.locator('.picture svg').waitFor();
    expect(await page.locator('.picture polygon').count()).toBeGreaterThan(5);
    expect(await page.locator('.answer .waterfall th').allTextContents()).toEqual([
      'decode ',
      'warm ',
      'predict ',
      'encode ',
    ]);
    expect(await page.locator('.invocations tbody tr').first().textContent()).toMatch(/ocr[\s\S]*cold, init/);
    await picture(page, 'page');
    expect(open.problems).toEqual([]);
  });

  it('draws the segments of speech under the waveform, which come line by line', async () => {
    await using open = await opened({ colorScheme: 'light' });
    const { page } = open;
    await page.getByRole('button', { name: 'speech' }).click();
    await page.locator('.sound svg').waitFor();
    expect(await page.locator('.sound svg rect').count()).toBe(0);
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByText(/200 in/).waitFor();
    expect(await page.locator('.sound svg rect').count()).toBe(2);
    expect(await page.locator('.sound svg title').first().textContent()).toMatch(/^0\.48 to 1\.\d\d s$/);
    expect(open.problems).toEqual([]);
  });

  it('makes a form of the fields of iris, by keyboard, in the dark, on a phone', async () => {
    await using open = await opened({ colorScheme: 'dark', viewport: { width: 390, height: 844 } });
    const { page } = open;
    await page.getByRole('button', { name: 'iris' }).focus();
    await page.keyboard.press('Enter');
    const curl = page.locator('.snippets pre').first();
    expect(await curl.textContent()).toContain('--data-binary @functions/iris/request.json');
    const field = page.getByLabel('petalLength');
    await field.fill('6');
    await page.keyboard.press('Control+Enter');
    await page.locator('.answer .good').waitFor();
    expect(await page.locator('.bars th').allTextContents()).toEqual(['setosa', 'versicolor', 'virginica']);
    await page.getByText('The request elsewhere').click();
    expect(await page.locator('.snippets pre').last().textContent()).toContain('"petalLength\\": 6');
    expect(await curl.textContent()).toMatch(/--aws-sigv4 .* --data-raw '\{[\s\S]*"petalLength": 6[\s\S]*\}\s*'$/);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(overflow).toBeLessThanOrEqual(0);
    await picture(page, 'page-phone');
    expect(open.problems).toEqual([]);
  });

  it('takes a file that the function takes, and says of another what would be taken', async () => {
    await using open = await opened({});
    const { page } = open;
    const drop = async (name: string, type: string, file: string | undefined) => {
      const base64 = file === undefined ? 'aGVsbG8=' : (await readFile(join(root, file))).toString('base64');
      const dataTransfer = await page.evaluateHandle(
        `(() => {
          const data = new DataTransfer();
          const bytes = Uint8Array.from(atob('${base64}'), (each) => each.charCodeAt(0));
          data.items.add(new File([bytes], '${name}', { type: '${type}' }));
          return data;
        })()`,
      );
      await page.dispatchEvent('.drop', 'drop', { dataTransfer });
    };
    await page.getByRole('button', { name: 'ocr' }).click();
    await page.getByText(/^Takes image\/jpeg.* or image\/avif; at most 6 MB, 25,000,000 pixels\.$/).waitFor();
    await drop('notes.txt', 'text/plain', undefined);
    expect(await page.getByRole('alert').textContent()).toMatch(
      /^notes.txt is text\/plain; the function takes image\/jpeg/,
    );
    await drop('small.png', 'image/png', 'test/functions/ocr-pages/narrow.png');
    await page.getByRole('alert').waitFor({ state: 'detached' });
    expect(await page.locator('.snippets pre').allTextContents()).toEqual([
      expect.stringMatching(/--data-binary @small\.png$/),
      expect.stringContaining("readFile('small.png')"),
    ]);
    await page.getByRole('button', { name: 'Run' }).click();
    await page.locator('.answer .good').waitFor();
    await page.getByRole('button', { name: 'speech' }).click();
    await page.getByText(/^Takes audio\/wav/).waitFor();
    await drop('page.png', 'image/png', 'test/functions/ocr-pages/narrow.png');
    expect(await page.getByRole('alert').textContent()).toMatch(
      /^page.png is image\/png; the function takes audio\/wav/,
    );
    let sampleSent = () => {};
    await page.route('**/functions/spam/sample', async (route) => {
      await new Promise<void>((resolve) => (sampleSent = resolve));
      await route.continue();
    });
    await page.getByRole('button', { name: 'spam' }).click();
    await page.getByText(/^Takes .*text\/plain/).waitFor();
    await drop('mail.txt', 'text/plain', undefined);
    await expect.poll(() => page.getByLabel('Text').inputValue()).toBe('hello');
    const late = page.waitForResponse('**/functions/spam/sample');
    sampleSent();
    await (await late).finished();
    await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
    expect(await page.getByLabel('Text').inputValue()).toBe('hello');
    await page.getByRole('button', { name: 'embed' }).click();
    await page.getByLabel('texts, one a line').fill('one\ntwo');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.locator('.answer .good').waitFor();
    expect(open.problems).toEqual([]);
  });

  it('shows a refusal with its code and what to do', async () => {
    await using open = await opened({});
    const { page } = open;
    await page.getByRole('button', { name: 'iris' }).click();
    await page.getByLabel('sepalWidth').fill('-3');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.locator('.answer .bad').waitFor();
    expect(await page.locator('.answer pre').textContent()).toContain('INPUT_SCHEMA');
  });

  async function opened(options: Parameters<Browser['newPage']>[0]) {
    const page = await browser.newPage({ viewport: { width: 1200, height: 1000 }, ...options });
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await page.goto(cloud.page);
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'iris' }).waitFor();
    return { page, problems, [Symbol.asyncDispose]: () => page.close() };
  }

  /** The README's pictures, when they are asked for. */
  async function picture(page: Page, name: string): Promise<void> {
    const png = await page.screenshot({ fullPage: name === 'page-phone' });
    expect(png.length).toBeGreaterThan(10_000);
    if (process.env['GLOWPLUG_PICTURES'] !== '1') return;
    await mkdir(join(root, 'docs', 'pictures'), { recursive: true });
    await writeFile(join(root, 'docs', 'pictures', `${name}.png`), png);
  }
});
