// When a schedule comes next: rate(…), cron(…) and at(…), in UTC.
// Source: Amazon EventBridge User Guide, "Schedule types in EventBridge Scheduler" and "Cron expressions".
import { GlowplugError, shorten } from '../../core/errors.ts';

/** The first time after `after`; undefined when there is none. */
export type Schedule = (after: Date) => Date | undefined;

/** @throws GlowplugError CONFIG_INVALID, saying what is not understood */
export function parseSchedule(expression: string): Schedule {
  const [, kind = '', inside = ''] = /^(rate|cron|at)\(([^()]*)\)$/.exec(expression.trim()) ?? [];
  if (kind === 'rate') return parseRate(inside);
  if (kind === 'cron') return parseCron(inside);
  if (kind === 'at') return parseAt(inside);
  throw refuse('rate(…), cron(…) or at(…)', expression);
}

const unitsMs: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

function parseRate(inside: string): Schedule {
  const [, count = '', unit = ''] = /^([1-9]\d*) (minute|hour|day)s?$/.exec(inside.trim()) ?? [];
  const ms = Number(count) * (unitsMs[unit] ?? 0);
  if (ms === 0) throw refuse('rate(5 minutes), of minutes, hours or days', inside);
  return (after) => new Date(after.getTime() + ms);
}

function parseAt(inside: string): Schedule {
  const time = new Date(`${inside.trim()}Z`);
  if (Number.isNaN(time.getTime())) throw refuse('at(2027-01-31T12:00:00)', inside);
  return (after) => (time > after ? time : undefined);
}

const months = ['', 'JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdays = ['', 'SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
/** A 29 February of a certain weekday comes once in 28 years, or in 40 around 2100. */
const horizonDays = 41 * 366;

function parseCron(inside: string): Schedule {
  const fields = inside.trim().split(/\s+/);
  const [minute = '', hour = '', day = '', month = '', weekday = '', year = ''] = fields;
  const unset = Number(day === '?') + Number(weekday === '?');
  if (fields.length !== 6 || unset !== 1) throw refuse('six fields, one of the two days ?', inside);
  const minutes = parseField(minute, 0, 59);
  const hours = parseField(hour, 0, 23);
  const days = day === '?' ? undefined : parseField(day, 1, 31);
  const ofYear = parseField(month, 1, 12, months);
  const ofWeek = weekday === '?' ? undefined : parseField(weekday, 1, 7, weekdays);
  const years = parseField(year, 1970, 2199);
  return (after) => {
    const date = new Date(Date.UTC(after.getUTCFullYear(), after.getUTCMonth(), after.getUTCDate()));
    for (let step = 0; step < horizonDays; step++, date.setUTCDate(date.getUTCDate() + 1)) {
      if (!years.has(date.getUTCFullYear()) || !ofYear.has(date.getUTCMonth() + 1)) continue;
      if (days && !days.has(date.getUTCDate())) continue;
      if (ofWeek && !ofWeek.has(date.getUTCDay() + 1)) continue;
      for (const h of hours) {
        for (const m of minutes) {
          const time = new Date(date.getTime() + h * 3_600_000 + m * 60_000);
          if (time > after) return time;
        }
      }
    }
    return undefined;
  };
}

/** `*`, `5`, `1-5`, `0/15`, `MON-FRI`, and lists of them. In order. */
function parseField(text: string, from: number, to: number, names: readonly string[] = []): ReadonlySet<number> {
  const number = (part: string) => {
    const named = names.indexOf(part.toUpperCase());
    const value = named > 0 ? named : /^\d+$/.test(part) ? Number(part) : Number.NaN;
    if (!(value >= from && value <= to)) throw refuse(`${from} to ${to}, without L, W or #`, part);
    return value;
  };
  const values = text.split(',').flatMap((part) => {
    const [range = '', step] = part.split('/');
    const [first = '', last] = range.split('-');
    const start = range === '*' ? from : number(first);
    const open = range === '*' || (step !== undefined && last === undefined);
    const end = open ? to : number(last ?? first);
    const by = step === undefined ? 1 : Number(step);
    if (!(Number.isInteger(by) && by > 0)) throw refuse('a step of whole numbers', part);
    return Array.from({ length: Math.max(0, Math.floor((end - start) / by) + 1) }, (_, i) => start + i * by);
  });
  return new Set(values.sort((a, b) => a - b));
}

function refuse(expected: string, got: string): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', `schedule: expected ${expected}; got ${shorten(got)}`);
}
