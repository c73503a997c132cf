// The statistics of drift beside SciPy's, on the same numbers.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/seeded-random.ts';
import { chiSquare } from '../../src/quality/chi-square.ts';
import { jensenShannon, kolmogorovSmirnov } from '../../src/quality/drift.ts';
import { pythonPeer } from './installed.ts';

const script = `
import json, sys
import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, ks_2samp
def answer(case):
    ks = ks_2samp(case['a'], case['b'], method='exact')
    chi = chi2_contingency(np.array([case['m'], case['n']]), correction=False)
    shares = [np.array(case[k]) / sum(case[k]) for k in ('m', 'n')]
    return dict(distance=ks.statistic, p=ks.pvalue, js=jensenshannon(*shares, base=2),
                chi=chi.statistic, freedom=int(chi.dof), chi_p=chi.pvalue)
print(json.dumps([answer(case) for case in json.load(sys.stdin)]))
`;

interface Answer {
  readonly distance: number;
  readonly p: number;
  readonly js: number;
  readonly chi: number;
  readonly freedom: number;
  readonly chi_p: number;
}

describe('drift beside SciPy', async () => {
  const peer = await pythonPeer('scipy', '1.15.3');
  if ('missing' in peer) return it.skip(`is not compared: ${peer.missing}`, () => {});

  it('says the same of 300 pairs: distances to 12 digits, p of Kolmogorov–Smirnov as near as its series is', async () => {
    const random = seededRandom(5);
    const whole = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
    const cases = Array.from({ length: 300 }, () => {
      const [shift, coarse] = [random() * 0.5, random() < 0.3];
      const numbers = (count: number, by: number) =>
        Array.from({ length: count }, () => (coarse ? Math.round((random() + by) * 8) : random() + by));
      const cells = whole(2, 12);
      // 20 at least: no cell is so small that ours is joined with others, and SciPy's is not.
      const counts = () => Array.from({ length: cells }, () => whole(20, 60));
      return { a: numbers(whole(30, 200), 0), b: numbers(whole(30, 200), shift), m: counts(), n: counts() };
    });
    const asked = promisify(execFile)(peer.path, ['-c', script], { maxBuffer: 1e8 });
    asked.child.stdin?.end(JSON.stringify(cases));
    const answers: Answer[] = JSON.parse((await asked).stdout);
    expect(answers).toHaveLength(cases.length);
    const off = { anywhere: 0, under5: 0, decisions: 0 };
    for (const [at, { a, b, m, n }] of cases.entries()) {
      const theirs = answers[at]!;
      const sort = (list: number[]) => [...list].sort((x, y) => x - y);
      const shares = (list: readonly number[]) => list.map((one) => one / list.reduce((x, y) => x + y));
      const test = kolmogorovSmirnov(sort(a), sort(b));
      expect(test.distance).toBeCloseTo(theirs.distance, 12);
      // Theirs counts paths, ours is the limit of large samples: farthest apart in the middle, where nothing is decided.
      off.anywhere = Math.max(off.anywhere, Math.abs(test.p - theirs.p));
      if (theirs.p < 0.05) off.under5 = Math.max(off.under5, Math.abs(test.p - theirs.p));
      if (test.p < 0.001 !== theirs.p < 0.001) off.decisions++;
      expect(jensenShannon(shares(m), shares(n))).toBeCloseTo(theirs.js, 12);
      const chi = chiSquare(m, n);
      expect(chi.freedom).toBe(theirs.freedom);
      expect(chi.statistic).toBeCloseTo(theirs.chi, 9);
      expect(chi.p).toBeCloseTo(theirs.chi_p, 9);
    }
    console.log(`SciPy: p of Kolmogorov–Smirnov, farthest from the exact one: ${JSON.stringify(off)}`);
    expect(off.anywhere).toBeLessThan(0.05);
    expect(off.under5).toBeLessThan(0.01);
    expect(off.decisions).toBeLessThan(3);
  });
});
