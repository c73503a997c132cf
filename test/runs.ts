// How many random cases a test runs: some in `npm test`, ten times as many in `npm run test:long`.
export const long = process.env['GLOWPLUG_TEST_LONG'] === '1';

export function runs(count: number): number {
  return long ? 10 * count : count;
}
