import { describe, expect, it } from 'vitest';
import { type ModelOptions, readUse } from '../../src/handler/model-use.ts';

const split = { to: 'rec:candidate', percent: 5, by: 'x-user' };
const follow = { every: 60 };

describe('what a function says of a model', () => {
  it('may be the reference alone, or a reference with more', () => {
    expect(readUse('rec', 'rec:prod')).toEqual({ model: 'rec:prod' });
    const use = { model: 'rec:prod', follow, split, shadow: { model: 'rec:next' } };
    expect(readUse('rec', use)).toBe(use);
  });

  it.each<[ModelOptions, string]>([
    [{ model: 'rec:prod', follow: { every: 0 } }, 'models.rec.follow.every: expected seconds, above 0, got 0'],
    [
      { model: 'rec:prod', follow: { every: Number.NaN } },
      'models.rec.follow.every: expected seconds, above 0, got null',
    ],
    [{ model: 'rec:1.4.0', follow }, 'models.rec.follow: expected a channel such as prod to follow, got "rec:1.4.0"'],
    [
      { model: 'rec:prod', follow, split: { ...split, to: 'rec:1.4.0' } },
      'models.rec.follow: expected a channel such as prod to follow, got "rec:1.4.0"',
    ],
    [{ model: 'rec:prod', split: { ...split, percent: 101 } }, 'models.rec.split.percent: expected 0 to 100, got 101'],
    [
      { model: 'rec:prod', shadow: { model: 'rec:next', percent: -1 } },
      'models.rec.shadow.percent: expected 0 to 100, got -1',
    ],
    [
      { model: 'rec:prod', shadow: { model: 'rec:next', tolerance: Number.NaN } },
      'models.rec.shadow.tolerance: expected a number, 0 or more, got null',
    ],
  ])('is refused when it is made: %j', (use, message) => {
    expect(() => readUse('rec', use)).toThrow(message);
  });
});
