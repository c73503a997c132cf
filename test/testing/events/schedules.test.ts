// EventBridge's schedules: when they come, what they send, and once for real in a running cloud.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSchedule } from '../../../src/testing/events/schedule-expression.ts';
import { type ScheduleSpec, Schedules } from '../../../src/testing/events/schedules.ts';
import { startLocalCloud } from '../../../src/testing/index.ts';
import { readTemplate } from '../../../src/testing/template/template.ts';
import { handClock } from '../../hand-clock.ts';
import { runs } from '../../runs.ts';
import { testApp } from '../app.ts';
import { behaviour } from '../behaviour.ts';
import { temporaryFolder, writeAssembly } from '../template/assembly.ts';

const next = (expression: string, after: string) => parseSchedule(expression)(new Date(after))?.toISOString();

describe('a schedule', () => {
  behaviour(
    'cron and rate come at the minutes that EventBridge names, in UTC',
    'Amazon EventBridge User Guide: Cron expressions and rate expressions',
    () => {
      const cases = [
        ['rate(5 minutes)', '2026-01-01T00:00:30Z', '2026-01-01T00:05:30.000Z'],
        ['rate(1 hour)', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00.000Z'],
        ['cron(0 10 * * ? *)', '2026-01-01T10:00:00Z', '2026-01-02T10:00:00.000Z'],
        ['cron(15 12 * * ? *)', '2026-01-01T00:00:00Z', '2026-01-01T12:15:00.000Z'],
        ['cron(0 18 ? * MON-FRI *)', '2026-01-02T18:00:00Z', '2026-01-05T18:00:00.000Z'],
        ['cron(0 8 1 * ? *)', '2026-01-01T08:00:00Z', '2026-02-01T08:00:00.000Z'],
        ['cron(0/15 * * * ? *)', '2026-01-01T00:07:00Z', '2026-01-01T00:15:00.000Z'],
        ['cron(0/5 8-17 ? * MON-FRI *)', '2026-01-02T17:55:00Z', '2026-01-05T08:00:00.000Z'],
        ['cron(30 0,12 ? JUL,DEC 1,7 *)', '2026-01-01T00:00:00Z', '2026-07-04T00:30:00.000Z'],
        ['cron(0 0 29 FEB ? *)', '2026-03-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
        ['cron(0 0 1 1 ? 2020)', '2026-01-01T00:00:00Z', undefined],
        ['at(2026-11-20T13:00:00)', '2026-01-01T00:00:00Z', '2026-11-20T13:00:00.000Z'],
        ['at(2026-11-20T13:00:00)', '2026-11-20T13:00:00Z', undefined],
      ] as const;
      for (const [expression, after, expected] of cases)
        expect([expression, next(expression, after)]).toEqual([expression, expected]);
    },
  );

  it('comes at the first minute after, whatever it is asked', () => {
    let cases = 0;
    const field = (from: number, to: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min: from, max: to }).map(String),
        fc.tuple(fc.integer({ min: from, max: to }), fc.integer({ min: 1, max: 20 })).map(([at, by]) => `${at}/${by}`),
      );
    const minutes = fc.date({ min: new Date('2024-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(field(0, 59), field(0, 23), minutes, (minute, hour, after) => {
        cases++;
        const schedule = parseSchedule(`cron(${minute} ${hour} * * ? *)`);
        const found = schedule(after);
        expect(found?.getTime()).toBeGreaterThan(after.getTime());
        // Asked at any time before, it says the same: nothing lies between.
        const between = new Date((after.getTime() + (found?.getTime() ?? 0)) / 2);
        expect(schedule(between)).toEqual(found);
        expect(Number(found) % 60_000).toBe(0);
      }),
      { numRuns: runs(200) },
    );
    console.log(`schedules: ${cases} random cron expressions`);
  });

  it('that is not understood is refused with what was expected', () => {
    const wrong = {
      'every day': 'rate(…), cron(…) or at(…)',
      'rate(0 minutes)': 'of minutes, hours or days',
      'rate(5 weeks)': 'of minutes, hours or days',
      'cron(0 10 * * *)': 'six fields',
      'cron(0 10 * * * *)': 'one of the two days ?',
      'cron(60 10 * * ? *)': '0 to 59',
      'cron(0 10 L * ? *)': 'without L, W or #',
      'cron(0 10 ? * 2#1 *)': 'without L, W or #',
      'cron(0/0 10 * * ? *)': 'a step',
      'at(tomorrow)': 'at(2027-01-31T12:00:00)',
    };
    for (const [expression, message] of Object.entries(wrong)) {
      expect(() => parseSchedule(expression)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
      );
    }
  });
});

describe('schedules that run', () => {
  function running() {
    const clock = handClock();
    const sent: { arn: string; body: unknown }[] = [];
    const schedules = new Schedules({
      region: 'us-east-1',
      account: '000000000000',
      clock,
      now: () => new Date(Date.UTC(2026, 0, 1) + clock.now()),
      deliver: async (arn, body) => void sent.push({ arn, body: JSON.parse(body) }),
      onError: () => {},
    });
    return {
      schedules,
      sent,
      async pass(minutes: number) {
        for (let passed = 0; passed < minutes; passed++) {
          clock.pass(60_000);
          for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
        }
      },
    };
  }
  const spec = (id: string, expression: string, input?: string): ScheduleSpec => ({
    id,
    arn: `arn:aws:events:us-east-1:000000000000:rule/${id}`,
    source: 'aws.events',
    expression,
    target: 'the function',
    ...(input === undefined ? {} : { input }),
  });

  behaviour(
    'A schedule invokes its target each time with its input, or with an event that says which schedule came when',
    'Amazon EventBridge User Guide: Creating a rule that runs on a schedule',
    async () => {
      const { schedules, sent, pass } = running();
      using _ = schedules;
      schedules.apply([spec('often', 'rate(10 minutes)', '{"n":1}'), spec('hourly', 'cron(0 * * * ? *)')]);
      await pass(60);
      expect(sent.filter(({ body }) => Object(body).n === 1)).toHaveLength(6);
      expect(sent.find(({ body }) => Object(body).source)?.body).toMatchObject({
        version: '0',
        'detail-type': 'Scheduled Event',
        source: 'aws.events',
        time: '2026-01-01T01:00:00Z',
        resources: ['arn:aws:events:us-east-1:000000000000:rule/hourly'],
        detail: {},
      });
    },
  );

  it('go on counting when others change, and end when they are taken away', async () => {
    const { schedules, sent, pass } = running();
    using _ = schedules;
    schedules.apply([spec('kept', 'rate(10 minutes)', '"kept"'), spec('gone', 'rate(2 minutes)', '"gone"')]);
    await pass(5);
    schedules.apply([spec('kept', 'rate(10 minutes)', '"kept"'), spec('new', 'rate(4 minutes)', '"new"')]);
    await pass(5);
    expect(sent.map(({ body }) => body)).toEqual(['gone', 'gone', 'new', 'kept']);
    schedules.apply([]);
    await pass(30);
    expect(sent).toHaveLength(4);
  });
});

it('are read from the template; what is not known here is named', async () => {
  using folder = temporaryFolder();
  const target = { Arn: 'arn:aws:lambda:us-east-1:000000000000:function:f', Id: 't' };
  const rule = (properties: object) => ({
    Type: 'AWS::Events::Rule',
    Properties: { Targets: [target], ...properties },
  });
  const schedule = (properties: object) => ({
    Type: 'AWS::Scheduler::Schedule',
    Properties: { ScheduleExpression: 'rate(1 day)', Target: { ...target, Input: '{}' }, ...properties },
  });
  writeAssembly(folder.path, {
    a: {
      Resources: {
        Rule: rule({ ScheduleExpression: 'rate(1 hour)' }),
        Nightly: schedule({ Name: 'nightly' }),
        Off: rule({ ScheduleExpression: 'rate(1 hour)', State: 'DISABLED' }),
        Waits: rule({ EventPattern: {} }),
        Berlin: schedule({ ScheduleExpressionTimezone: 'Europe/Berlin' }),
        Last: rule({ ScheduleExpression: 'cron(0 0 L * ? *)' }),
      },
    },
  });
  const read = await readTemplate(folder.path, { region: 'us-east-1', account: '000000000000' });
  expect(read.schedules).toEqual([
    {
      id: 'Rule',
      arn: 'arn:aws:events:us-east-1:000000000000:rule/a-Rule',
      source: 'aws.events',
      expression: 'rate(1 hour)',
      target: target.Arn,
    },
    {
      id: 'Nightly',
      arn: 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/nightly',
      source: 'aws.scheduler',
      expression: 'rate(1 day)',
      target: target.Arn,
      input: '{}',
    },
  ]);
  expect(read.skipped).toEqual([
    { name: 'Off', reason: 'it is disabled' },
    { name: 'Waits', reason: 'it waits for events, and only schedules come here' },
    { name: 'Last', reason: expect.stringContaining('without L, W or #') },
    { name: 'Berlin', reason: 'its time zone is Europe/Berlin, and only UTC is known here' },
  ]);
});

it('invoke a function of a running cloud', async () => {
  using app = testApp({
    tick: 'export const handler = async (event) => console.log("TICK " + JSON.stringify(event));',
  });
  await using cloud = await startLocalCloud({ root: app.root });
  const Target = { Arn: { 'Fn::GetAtt': ['tick', 'Arn'] }, Input: '{"n":1}' };
  // Some of them, because a busy machine may not be ready for the first.
  const at = (seconds: number) => `at(${new Date(Date.now() + 1000 * seconds).toISOString().slice(0, 19)})`;
  const soon = [2, 4, 8, 16].map((seconds) => [
    `In${seconds}`,
    { Type: 'AWS::Scheduler::Schedule', Properties: { ScheduleExpression: at(seconds), Target } },
  ]);
  app.resources(Object.fromEntries(soon));
  await cloud.reload();
  await expect.poll(() => cloud.function('tick').logs(), { timeout: 20_000 }).toContain('TICK {"n":1}');
});
