// glowplug cost: what the functions of this app cost a month, and what they would elsewhere.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import { breakEven, estimateCosts, type HostCost, readTraffic, type Traffic } from '../observe/cost.ts';
import { prices } from '../observe/prices.ts';
import type { functionSizes, TemplateFunction } from '../testing/template/function-sizes.ts';
import { mustBeFile } from './must-be-file.ts';
import { command, printJson, printLine, printProgress } from './print.ts';
import { printTable } from './table.ts';

interface Options {
  readonly traffic?: string;
  readonly requests?: number;
  readonly ms?: number;
  readonly json?: boolean;
}

/** Without a size it is an endpoint's. */
interface Estimate extends Partial<TemplateFunction> {
  readonly name: string;
  readonly traffic: Traffic;
  readonly costs: readonly HostCost[];
  readonly breakEven?: number;
}

export function costCommand(): Command {
  return new Command('cost')
    .description(
      'Reckon what each function and endpoint costs a month, from the synthesised template and the traffic that it has.',
    )
    .option(
      '--traffic <file>',
      'JSON: function → requestsPerMonth, ms and, where known, coldMs, coldShare, peakPerSecond, gpuMs',
    )
    .option('--requests <number>', 'requests a month, of every function (default: 1,000,000, assumed)', number)
    .option(
      '--ms <number>',
      'milliseconds of a warm request, of every function, which REPORT lines of the log have (default: 100, assumed)',
      number,
    )
    .option('--json', 'print the estimates as JSON')
    .addHelpText(
      'after',
      `\nPrices of ${prices.region}, ${prices.asOf}, on demand. Not counted: data transfer, logs, requests to S3, free tiers.\n\nExamples:\n  glowplug cost --requests 1000000 --ms 40\n  glowplug cost --traffic traffic.json --json`,
    )
    .action(command(cost));
}

async function cost(options: Options): Promise<void> {
  const trafficOf = await readTraffics(options);
  const { functions, endpoints } = await synthesized();
  const names = [...functions.map(({ name }) => name), ...endpoints];
  const estimates = trafficOf(names).map(([name, traffic]): Estimate => {
    const size = functions.find((each) => each.name === name);
    if (!size && !endpoints.includes(name)) {
      throw new GlowplugError(
        'CONFIG_INVALID',
        `expected one of the functions ${names.join(', ') || '(the template has none)'}, got ${name}`,
        { remedy: 'Name the traffic after functions and endpoints that infra deploys.' },
      );
    }
    const costs = estimateCosts(size, traffic, prices);
    return { name, ...size, traffic, costs, ...(size ? { breakEven: breakEven(size, traffic, prices) } : {}) };
  });
  const assumed = options.traffic === undefined ? assumptions(options) : [];
  if (assumed.length > 0) {
    const said = `assumed: ${assumed.join(' and ')}; --requests, --ms or --traffic say what it is`;
    if (options.json) printProgress(said);
    else printLine(pc.yellow(said));
  }
  if (options.json) return printJson({ asOf: prices.asOf, region: prices.region, functions: estimates });
  for (const estimate of estimates) show(estimate);
  printLine(
    pc.dim(`\nPrices of ${prices.region}, ${prices.asOf}; data transfer, logs and requests to S3 are not counted.`),
  );
}

async function synthesized(): ReturnType<typeof functionSizes> {
  const [{ synthesize }, sizes] = await Promise.all([
    import('../testing/template/synthesize.ts'),
    import('../testing/template/function-sizes.ts'),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-cost-'));
  try {
    printProgress('synthesising the app');
    await synthesize(process.cwd(), folder);
    return await sizes.functionSizes(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [assumedRequests, assumedMs] = [1_000_000, 100];

function assumptions({ requests, ms }: Options): string[] {
  return [
    ...(requests === undefined ? [`${assumedRequests.toLocaleString('en')} requests a month`] : []),
    ...(ms === undefined ? [`${assumedMs} ms a request`] : []),
  ];
}

/** Given the names of the functions, the traffic of each that has some. */
async function readTraffics(options: Options): Promise<(names: readonly string[]) => [string, Traffic][]> {
  if (options.traffic === undefined) {
    const given = { requestsPerMonth: options.requests ?? assumedRequests, ms: options.ms ?? assumedMs };
    const traffic = readTraffic(given, '--requests');
    return (names) => names.map((name) => [name, traffic]);
  }
  const file = options.traffic;
  const value = await parsed(file);
  if (!isRecord(value)) throw notTraffic(`expected ${file} to be an object: function → traffic`);
  const traffics = Object.entries(value).map(([name, each]): [string, Traffic] => [name, readTraffic(each, name)]);
  return () => traffics;
}

async function parsed(file: string): Promise<unknown> {
  await mustBeFile(file, trafficRemedy);
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notTraffic(`expected JSON in ${file}: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
}

const trafficRemedy = 'Give a file such as { "ocr": { "requestsPerMonth": 100000, "ms": 400 } }.';

function notTraffic(message: string, cause?: unknown): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', message, { cause, remedy: trafficRemedy });
}

const titles: Record<HostCost['host'], string> = {
  lambda: 'Lambda',
  provisioned: 'Lambda, provisioned',
  managed: 'Lambda Managed Instances',
  'ecs-gpu': 'ECS with a GPU',
  'lambda-gpu': 'Lambda with a GPU',
  sagemaker: 'SageMaker with a GPU',
};

function show({ name, traffic, costs, breakEven: from }: Estimate): void {
  const { requestsPerMonth, ms, peakPerSecond } = traffic;
  const peak = peakPerSecond < 10 ? peakPerSecond.toPrecision(2) : Math.round(peakPerSecond);
  printLine(
    `\n${pc.bold(name)}  ${requestsPerMonth.toLocaleString('en')} requests a month of ${ms} ms, ${peak} a second at most`,
  );
  const most = Math.max(...costs.map(({ dollars }) => dollars));
  printTable(
    costs.map(({ host, dollars, idle, basis }) => {
      const said = idle === undefined ? basis : `${basis}; ${money(idle).trim()} while nobody asks`;
      return [`  ${titles[host]}`, money(dollars), bar(dollars / most), said];
    }),
    [undefined, pc.bold, pc.yellow, pc.dim],
  );
  printLine(
    pc.dim(
      from === undefined
        ? '  an endpoint alone: for Lambda beside it, the app needs an InferenceFunction, which has a memory size'
        : `  a GPU that is always on costs less from ${from.toLocaleString('en')} requests a month on`,
    ),
  );
}

function money(dollars: number): string {
  return `$${dollars < 10 ? dollars.toFixed(2) : Math.round(dollars).toLocaleString('en')}`.padStart(8);
}

function bar(part: number): string {
  return '█'.repeat(Math.max(1, Math.round(part * 24)));
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('Expected a number from 0 on.');
}
