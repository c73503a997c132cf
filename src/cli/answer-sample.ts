// A function's sample request, sent, and its answer held against the golden one.
import { relative } from 'node:path';
import pc from 'picocolors';
import { curlLine } from '../testing/curl-line.ts';
import type { LocalCloud } from '../testing/local-cloud.ts';
import { answerBody, difference, type Sample } from '../testing/samples.ts';
import { printLine } from './print.ts';

/** What a sample came to. `problem` says where the answer is not the golden one, or that there is none. */
export interface SampleAnswer {
  readonly name: string;
  readonly url: string;
  readonly status: number;
  readonly ms: number;
  readonly body: unknown;
  readonly problem: string | undefined;
  readonly curl: string;
}

export async function answerSample(cloud: LocalCloud, sample: Sample, root: string): Promise<SampleAnswer> {
  const { name, contentType } = sample;
  const fn = cloud.function(name);
  const file = relative(root, sample.file);
  const curl = curlLine(fn.url, sample, file, cloud.region, cloud.credentials);
  const start = performance.now();
  const response = await fn.fetch('/', { method: 'POST', headers: { 'content-type': contentType }, body: sample.body });
  const bytes = await response.bytes();
  const ms = Math.round(performance.now() - start);
  const { status } = response;
  const body = answerBody(response.headers.get('content-type') ?? '', bytes);
  return { name, url: fn.url, status, ms, body, problem: problemOf(sample, status, body), curl };
}

export function printAnswer({ name, url, status, ms, body, problem, curl }: SampleAnswer): void {
  const mark = problem ? pc.red('✗') : pc.green('✓');
  printLine(`\n${mark} ${pc.bold(name)}  ${pc.cyan(url)}  ${status} in ${ms} ms, cold`);
  printLine(indent(typeof body === 'string' ? body : JSON.stringify(body, null, 1).replace(/\n\s*/g, ' ')));
  if (problem) printLine(pc.red(`  ${problem}`));
  printLine(pc.dim(`  ${curl}`));
}

function problemOf({ name, golden }: Sample, status: number, body: unknown): string | undefined {
  if (!golden) return status < 500 ? undefined : `it failed; its log says why: glowplug logs ${name}`;
  const problem =
    golden.status === status
      ? difference(golden.body, body, golden.tolerance)
      : `expected status ${golden.status}, got ${status}`;
  return problem && `not the golden answer: ${problem}`;
}

function indent(text: string): string {
  const shown = text.length > 1200 ? `${text.slice(0, 1200)} …` : text;
  return `  ${shown.replaceAll('\n', '\n  ')}`;
}
