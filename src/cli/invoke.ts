// glowplug invoke: one request to a function, in the local cloud or at a real function URL.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { AwsClient } from 'aws4fetch';
import { Command } from 'commander';
import { bodyValue } from '../core/body-value.ts';
import { contentTypeOf } from '../core/content-type.ts';
import { readContract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { readSample } from '../testing/samples.ts';
import { functionNames, unknownFunction } from './function-names.ts';
import { mustBeFile } from './must-be-file.ts';
import { command, exitCodes, printJson, printLine, printProgress } from './print.ts';
import { findRunningCloud, type RunningCloud } from './running-cloud.ts';

interface Options {
  readonly data?: string;
  readonly type?: string;
  readonly json?: boolean;
}

interface Body {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
}

export function invokeCommand(): Command {
  return new Command('invoke')
    .description('Send one request to a function: its name in the local cloud, or a function URL, signed with SigV4.')
    .argument('<function>', 'a folder of functions/, or https://….lambda-url.<region>.on.aws/')
    .option('--data <data>', '@file, - for standard input, or the body itself (default: the function’s sample request)')
    .option('--type <type>', 'content type (default: by the file’s extension, else application/json)')
    .option('--json', 'print { status, ms, requestId, body } instead of the body alone')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug invoke iris\n  glowplug invoke ocr --data @page.png\n  glowplug invoke https://abc123.lambda-url.eu-central-1.on.aws/ --data @functions/iris/request.json',
    )
    .action(command(invoke));
}

async function invoke(target: string, options: Options): Promise<void> {
  const isUrl = /^https?:\/\//.test(target);
  const running = isUrl ? undefined : await findRunningCloud(process.cwd());
  // A job, which nobody asks, wants no body.
  const job = options.data === undefined && running?.urls[target] === '';
  const body = await readBody(target, job ? { ...options, data: '{}' } : options);
  const start = performance.now();
  const response = await (isUrl ? invokeUrl(target, body) : invokeLocal(target, body, running));
  const bytes = Buffer.from(await response.arrayBuffer());
  const ms = Math.round(performance.now() - start);
  const contentType = response.headers.get('content-type') ?? '';
  const isJson = contentType.includes('json');
  const text = bytes.toString();
  if (options.json) {
    const requestId = response.headers.get('x-request-id') ?? undefined;
    const body = isJson ? bodyValue(contentType, text) : bytes.toString('base64');
    printJson({ status: response.status, ms, requestId, body });
  } else if (isJson) printLine(text.trimEnd());
  else process.stdout.write(bytes);
  if (!response.ok || response.headers.has('x-amz-function-error')) process.exitCode = exitCodes.failed;
}

async function readBody(target: string, { data, type }: Options): Promise<Body> {
  if (data === undefined) {
    const isUrl = /^https?:/.test(target);
    const sample = isUrl ? undefined : readSample(join('functions', target), target);
    if (sample) return { bytes: sample.body, contentType: type ?? sample.contentType };
    if (!isUrl && existsSync('functions') && !existsSync(join('functions', target)))
      throw unknownFunction(target, functionNames('.'));
    throw new GlowplugError('CONFIG_INVALID', 'expected --data, and there is no sample request to send instead', {
      remedy: 'glowplug invoke <function> --data @file, or --data \'{"a":1}\'.',
    });
  }
  if (data === '-') return { bytes: await readStdin(), contentType: type ?? 'application/json' };
  if (!data.startsWith('@')) return { bytes: new TextEncoder().encode(data), contentType: type ?? 'application/json' };
  const file = data.slice(1);
  await mustBeFile(file);
  return { bytes: new Uint8Array(await readFile(file)), contentType: type ?? contentTypeOf(extname(file)) };
}

async function invokeLocal(name: string, body: Body, running: RunningCloud | undefined): Promise<Response> {
  if (running) {
    const { urls, credentials, region, s3Endpoint } = running;
    const url = urls[name];
    if (url === undefined) throw unknownFunction(name, Object.keys(urls));
    const api = `${s3Endpoint}/2015-03-31/functions/${name}/invocations`;
    return await signed(credentials, region, url || api, body);
  }
  const { startLocalCloud } = await import('../testing/cloud.ts');
  await using cloud = await startLocalCloud({ root: process.cwd(), onProgress: printProgress });
  if (!cloud.functions.includes(name)) throw unknownFunction(name, cloud.functions);
  const fn = cloud.function(name);
  if (fn.url === '') return Response.json(await fn.invoke(JSON.parse(Buffer.from(body.bytes).toString())));
  const response = await fn.fetch('/', {
    method: 'POST',
    headers: { 'content-type': body.contentType },
    body: body.bytes,
  });
  // Read whole before the cloud goes.
  return new Response(await response.arrayBuffer(), response);
}

async function invokeUrl(url: string, body: Body): Promise<Response> {
  const { credentials } = readContract();
  const region = /\.lambda-url\.([\w-]+)\.on\.aws$/.exec(new URL(url).hostname)?.[1] ?? readContract().region;
  if (credentials) return await signed(credentials, region, url, body);
  return await fetch(url, { method: 'POST', headers: { 'content-type': body.contentType }, body: body.bytes });
}

async function signed(
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
  region: string,
  url: string,
  body: Body,
): Promise<Response> {
  const client = new AwsClient({ ...credentials, service: 'lambda', region, retries: 0 });
  return await client.fetch(url, { method: 'POST', headers: { 'content-type': body.contentType }, body: body.bytes });
}

async function readStdin(): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}
