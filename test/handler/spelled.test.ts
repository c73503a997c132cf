// What TypeScript refuses, and with it npm run check, of a function's models: misspelt, an option would be off without a word.
import { expect, it } from 'vitest';
import { inference } from '../../src/inference.ts';

it('an option of a model that is misspelt does not compile; every one that there is does', () => {
  const predict = () => ({});
  inference({
    models: {
      plain: 'iris:prod',
      full: {
        model: 'iris:prod',
        follow: { every: 60, verify: async () => {} },
        split: { to: 'iris:candidate', percent: 10, by: (request) => request.headers.get('x-user') },
        shadow: { model: 'iris:candidate', tolerance: 0.01, percent: 5 },
        batch: { objective: { p95: 100 }, limits: { rows: 8 }, runs: 2 },
      },
    },
    predict,
  });
  // @ts-expect-error follow
  inference({ models: { iris: { model: 'iris:prod', folow: { every: 2 } } }, predict });
  // @ts-expect-error split
  inference({ models: { iris: { model: 'iris:prod', spilt: { to: 'iris:next', percent: 1, by: 'x' } } }, predict });
  // @ts-expect-error tolerance
  inference({ models: { iris: { model: 'iris:prod', shadow: { model: 'iris:next', tolerence: 1 } } }, predict });
  // @ts-expect-error p95
  inference({ models: { iris: { model: 'iris:prod', batch: { objective: { p59: 100 } } } }, predict });
  expect.assertions(0);
});
