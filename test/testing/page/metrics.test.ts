// The metrics of the local cloud: read from the functions' logs as CloudWatch reads them, and shown in a real browser.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../../src/testing/index.ts';
import { MetricFeed } from '../../../src/testing/page/metric-feed.ts';
import { embeddedMetricFaults } from '../../observe/embedded-metrics.ts';
import { root } from '../../root.ts';

const line = (values: object, metrics: string[], dimensions = ['FunctionName']) =>
  JSON.stringify({
    _aws: {
      Timestamp: 1_790_000_000_000,
      CloudWatchMetrics: [
        { Namespace: 'n', Dimensions: [dimensions], Metrics: metrics.map((Name) => ({ Name, Unit: 'Count' })) },
      ],
    },
    FunctionName: 'deployed-as-something',
    ...values,
  });

describe('a feed of metrics', () => {
  it('has one number or many of a line, by the dimensions that the line names', () => {
    const feed = new MetricFeed();
    feed.hear('ocr', line({ Rows: [1, 2] }, ['Rows']));
    feed.hear('ocr', line({ Rows: 3 }, ['Rows']));
    feed.hear('ocr', line({ Rows: 4, Model: 'det' }, ['Rows'], ['FunctionName', 'Model']));
    feed.hear('ocr', JSON.stringify({ time: 't', message: JSON.parse(line({ Rows: 5 }, ['Rows'])) }));
    expect(feed.metrics.map(({ dimensions, values }) => [dimensions, values.map(([, value]) => value)])).toEqual([
      [{}, [1, 2, 3, 5]],
      [{ Model: 'det' }, [4]],
    ]);
  });

  it('hears nothing of what is no metric, and does not grow without end', () => {
    const feed = new MetricFeed();
    for (const other of [
      '"_aws"',
      '{"_aws":',
      '{"_aws":{"CloudWatchMetrics":[{"Dimensions":1},null]}}',
      line({ Rows: 'many' }, ['Rows']),
    ])
      feed.hear('ocr', other);
    expect(feed.metrics.flatMap(({ values }) => values)).toEqual([]);
    for (let at = 0; at < 3000; at++) feed.hear('ocr', line({ Rows: at, Model: `m${at}` }, ['Rows'], ['Model']));
    for (let at = 0; at < 3000; at++) feed.hear('ocr', line({ Rows: at, Model: 'm1' }, ['Rows'], ['Model']));
    expect(feed.metrics.length).toBeLessThanOrEqual(1000);
    expect(feed.metrics.find(({ dimensions }) => dimensions['Model'] === 'm1')?.values.length).toBe(500);
  });
});

const browsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = browsers.find(existsSync);
if (!executablePath) console.log(`metrics in a real browser: skipped, none of ${browsers.join(', ')} is here`);

describe.skipIf(!executablePath)('the metrics of ocr in Chromium', () => {
  let cloud: LocalCloud;
  let browser: Browser;
  const lines: string[] = [];
  beforeAll(async () => {
    cloud = await startLocalCloud({ root, log: (_, each) => void lines.push(each) });
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await cloud?.[Symbol.asyncDispose]();
  });

  it('are its latency, its models’ runs, its cold start, its versions, its refusals and its price', async () => {
    const picture = await readFile(join(root, 'functions/ocr/request.png'));
    const ocr = cloud.function('ocr');
    for (const body of [picture, picture, picture, picture.subarray(0, 500)]) {
      await (
        await ocr.fetch('/', { method: 'POST', body: new Uint8Array(body), headers: { 'content-type': 'image/png' } })
      ).arrayBuffer();
    }
    const page = await browser.newPage({ viewport: { width: 1200, height: 1000 }, colorScheme: 'light' });
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(cloud.page);
    await page.getByRole('button', { name: 'ocr' }).click();
    const section = page.locator('section.metrics');
    await expect
      .poll(() => section.locator('.counts').textContent(), { timeout: 20_000 })
      .toMatch(/4 requests,\s+1 cold,\s+1 refused,\s+0 failed/);
    const rows = await section.locator('tbody th').allTextContents();
    for (const row of [
      'latency',
      'ppocr-det: ran',
      'ppocr-rec: waited',
      'ppocr-rec: rows a run',
      'cold start: Fetch',
      'cold start: ColdStart',
    ])
      expect(rows).toContain(row);
    expect(await section.locator('svg.sparkline').count()).toBe(rows.length);
    const counted = await section.locator('.counted li').allTextContents();
    expect(counted).toContain('INPUT_IMAGE × 1');
    expect(counted.filter((each) => /^ppocr-(det|cls|rec) \d+\.\d+\.\d+ × \d+$/.test(each))).toHaveLength(3);
    expect(Number(/\$([\d.]+)/.exec((await section.locator('.counts').textContent()) ?? '')?.[1])).toBeGreaterThan(0);
    await page.locator('.invocations tbody button').nth(1).click();
    const bars = page.locator('.invocations .opened .waterfall').first();
    expect(await bars.locator('caption').textContent()).toContain('Request');
    const verbs = (await bars.locator('th').allTextContents()).map((each) => each.trim());
    expect(verbs.slice(0, 4)).toEqual(['decode', 'warm', 'predict', 'encode']);
    expect(verbs).toContain('run ppocr-rec');
    expect(problems).toEqual([]);
    const png = await section.screenshot();
    expect(png.length).toBeGreaterThan(10_000);
    if (process.env['GLOWPLUG_PICTURES'] === '1') {
      await mkdir(join(root, 'docs/pictures'), { recursive: true });
      await writeFile(join(root, 'docs/pictures/metrics.png'), png);
    }
    await page.close();
  }, 60_000);

  it('are lines that CloudWatch takes', () => {
    const embedded = lines.filter((each) => each.includes('"_aws"'));
    expect(embedded.length).toBeGreaterThan(4);
    for (const each of embedded) expect(embeddedMetricFaults(each)).toEqual([]);
  });
});
