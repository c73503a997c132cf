// The committed spam model: its figures on held-out e-mails in onnxruntime, and that training is what the repository says it is.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { words } from '../../functions/spam/words.ts';
import { corpusFolder } from '../../models/spam/corpus.ts';
import { emailText } from '../../models/spam/email.ts';
import { figures } from '../../models/spam/figures.ts';
import { readHeldOut, writeHeldOut } from '../../models/spam/held-out.ts';
import { calibrate, score, sigmoid, trainLogistic } from '../../models/spam/logistic.ts';
import { nearDuplicates, SAME, similarity } from '../../models/spam/near-duplicates.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { root } from '../root.ts';
import { long, runs } from '../runs.ts';

const folder = join(root, 'models/spam');

describe('the spam model', () => {
  it('has the figures that are committed with it, over every held-out e-mail in onnxruntime', async () => {
    const rows = readHeldOut(await readFile(join(folder, 'held-out.bin')));
    const committed = JSON.parse(await readFile(join(folder, 'figures.json'), 'utf8'));
    await using session = await createOrtSession(join(folder, 'spam.onnx'), { threads: 1 });
    const probabilities: number[] = [];
    for (const { words } of rows) {
      const x = BigInt64Array.from(words.length > 0 ? words : [-1], (word) => BigInt(word + 1));
      const { probability, contributions } = await session.run({ words: tensor('INT64', [1, x.length], x) });
      const odds =
        contributions!.datatype === 'FP32' ? contributions!.data.reduce((sum, one) => sum + one, 0) : Number.NaN;
      probabilities.push(Number(probability!.data[0]));
      expect(Number.isFinite(odds)).toBe(true);
    }
    expect(
      figures(
        probabilities,
        rows.map(({ spam }) => spam),
      ),
    ).toEqual(committed.heldOut);
    expect(committed.heldOut.accuracy).toBeGreaterThan(0.96);
    expect(committed.heldOut.f1).toBeGreaterThan(0.92);
    expect(committed.heldOut.calibrationError).toBeLessThan(0.03);
    console.log(`spam: ${JSON.stringify(committed.heldOut)}`);
  });

  it('answers a batch of rows as it answers each alone, padding counting for nothing', async () => {
    const rows = readHeldOut(await readFile(join(folder, 'held-out.bin'))).slice(0, 16);
    const width = Math.max(...rows.map(({ words }) => words.length)) + 3;
    await using session = await createOrtSession(join(folder, 'spam.onnx'), { threads: 1 });
    const all = new BigInt64Array(rows.length * width);
    for (const [at, { words }] of rows.entries())
      all.set(
        words.map((word) => BigInt(word + 1)),
        at * width,
      );
    const together = await session.run({ words: tensor('INT64', [rows.length, width], all) });
    for (const [at, { words }] of rows.entries()) {
      const x = BigInt64Array.from(words, (word) => BigInt(word + 1));
      const alone = await session.run({ words: tensor('INT64', [1, x.length], x) });
      expect(Number(together['probability']!.data[at])).toBeCloseTo(Number(alone['probability']!.data[0]), 5);
    }
  });

  it('is trained again byte for byte as it is committed', { timeout: 600_000 }, async (context) => {
    if (!existsSync(corpusFolder(root))) {
      context.skip('the corpus is not here; node models/spam/train.ts fetches it (20 MB)');
    }
    if (!long) context.skip('half a minute: npm run test:long');
    const out = await mkdtemp(join(tmpdir(), 'glowplug-spam-'));
    try {
      execFileSync(process.execPath, ['--conditions=glowplug-source', join(folder, 'train.ts'), out]);
      for (const file of ['spam.onnx', 'vocabulary.txt', 'held-out.bin', 'figures.json']) {
        expect(await readFile(join(out, file), 'hex'), file).toBe(await readFile(join(folder, file), 'hex'));
      }
    } finally {
      await rm(out, { recursive: true, force: true });
    }
  });
});

describe('training', () => {
  const row = fc.record({
    words: fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { maxLength: 40 }),
    spam: fc.boolean(),
  });

  it('holds e-mails as whole numbers, and reads the same ones back', () => {
    const sorted = fc.array(row).map((rows) => rows.map((one) => ({ ...one, words: one.words.sort((a, b) => a - b) })));
    fc.assert(
      fc.property(sorted, (rows) => {
        expect(readHeldOut(writeHeldOut(rows))).toEqual(rows);
      }),
      { numRuns: runs(200) },
    );
  });

  it('finds every pair that says the same, as comparing all with all does', () => {
    const set = fc.uniqueArray(fc.constantFrom(...'abcdefgh'), { minLength: 1, maxLength: 7 });
    const seen = { sets: 0, copies: 0 };
    fc.assert(
      fc.property(fc.array(set, { maxLength: 30 }), (lists) => {
        const sets = lists.map((list) => new Set(list));
        const first = nearDuplicates(sets);
        for (const [at, one] of sets.entries()) {
          const earlier = sets.findIndex((other, i) => i < at && similarity(one, other) >= SAME);
          expect(first[at] !== at).toBe(earlier >= 0);
          seen.sets++;
          if (earlier >= 0) seen.copies++;
        }
      }),
      { numRuns: runs(200) },
    );
    console.log(`near duplicates: ${seen.copies} of ${seen.sets} sets, each as the exhaustive search says`);
  });

  it('learns which word tells, and calibrates its scores to the share that is spam', () => {
    // Word 0 is in nine of ten spams and one of ten others; word 1 is in all.
    const rows = Array.from({ length: 200 }, (_, at) => {
      const spam = at % 2 === 0;
      return { spam, words: at % 20 < 2 === spam ? [1] : [0, 1] };
    });
    const model = trainLogistic(rows, { vocabulary: 2, decay: 1e-3, steps: 300 });
    expect(model.weights[0]).toBeGreaterThan(1);
    const scores = rows.map(({ words }) => score(model, words));
    const { slope, offset } = calibrate(
      scores,
      rows.map(({ spam }) => spam),
    );
    expect(sigmoid(slope * score(model, [0, 1]) + offset)).toBeCloseTo(0.9, 2);
    expect(sigmoid(slope * score(model, [1]) + offset)).toBeCloseTo(0.1, 2);
  });
});

describe('an e-mail’s text', () => {
  it.each([
    ['subject and body', 'Subject: Hi\nFrom: a@b\n\nHello', 'Hi\nHello'],
    ['a list’s name in front of the subject', 'Subject: Re: [ILUG] Hi\n\nHello', 'Hi\nHello'],
    ['an encoded subject', 'Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\n\nHello', 'Grüße\nHello'],
    ['quoted-printable', 'Subject: x\nContent-Transfer-Encoding: quoted-printable\n\na=20b=\nc', 'x\na bc'],
    ['base64', 'Subject: x\nContent-Transfer-Encoding: base64\n\naGVsbG8=', 'x\nhello'],
    [
      'HTML without tags, words whole',
      'Subject: x\nContent-Type: text/html\n\n<p>vi<b></b>agra&nbsp;now<br>ok',
      'x\n viagra now ok',
    ],
    [
      'the plain one of two alternatives',
      'Subject: x\nContent-Type: multipart/alternative; boundary="b"\n\n--b\n\nplain\n--b\nContent-Type: text/html\n\n<p>html\n--b--',
      'x\nplain\n',
    ],
    ['no attachment', 'Subject: x\nContent-Type: image/png\n\n\x89PNG', 'x\n'],
  ])('is %s', (_what, raw, text) => {
    expect(emailText(raw)).toBe(text);
  });

  it('never fails, whatever the bytes', () => {
    const piece = fc.constantFrom(
      'Content-Type: multipart/mixed; boundary=b\n',
      '--b\n',
      '--b--',
      '\n\n',
      '=?x?q?',
      '&#9;',
      '=3',
      'Subject: ',
    );
    const raw = fc.array(fc.oneof(piece, fc.string({ unit: 'binary-ascii' }))).map((parts) => parts.join(''));
    fc.assert(
      fc.property(raw, (text) => {
        expect(emailText(text)).toBeTypeOf('string');
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('the words of a text', () => {
  it('are each once, in lower case, numbers and sums alike', () => {
    expect(words('Save $1,000 or 50% NOW! Save £20, 12 times!!! Don’t wait')).toEqual([
      'save',
      '$0',
      'or',
      '0%',
      'now',
      '!',
      '0',
      'times',
      '!!',
      'dont',
      'wait',
    ]);
  });

  it('tell of capitals where three words shout', () => {
    expect(words('FREE MONEY')).not.toContain('CAPITALS');
    expect(words('FREE MONEY NOW, FREE CASH')).toContain('CAPITALS');
  });

  it('are no encoded data', () => {
    expect(words(`x ${'a'.repeat(25)} y`)).toEqual(['x', 'y']);
  });
});
