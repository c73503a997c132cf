// Run as a process of its own, to be killed: a fleet with one stopped and one busy environment, whose pids it prints.
import { Fleet } from '../../../src/testing/runtime/fleet.ts';
import { Reaper } from '../../../src/testing/runtime/reaper.ts';
import { where } from './harness.ts';

const [folder = '', codeFolder = '', temporary] = process.argv.slice(2);
const reaper = Reaper.start({ folder, remove: temporary === 'temporary' });
const fleet = new Fleet({ folder, reaper, where });
const fn = fleet.add({
  name: 'fn',
  functionName: 'fn',
  handler: 'index.handler',
  runtime: 'nodejs24.x',
  codeFolder,
  layers: [],
  memoryMb: 256,
  timeoutMs: 600_000,
  environment: {},
  log: { format: 'Text' },
});
const call = async (event: unknown) => {
  const outcome = await fn.invoke({ payload: Buffer.from(JSON.stringify(event)) });
  return 'payload' in outcome ? Number(Buffer.from(outcome.payload).toString()) : 0;
};
// Each waits for the other, so that there are two.
const both = await Promise.all([call({ me: 'a', other: 'b' }), call({ me: 'b', other: 'a' })]);
void call({ me: 'a', other: 'never' });
process.stdout.write(`${JSON.stringify(both)}\n`);
