// What glowplug serve says when it is ready: where, what, and a line to try.
import { extname, relative } from 'node:path';
import pc from 'picocolors';
import { contentTypeOf } from '../core/content-type.ts';
import type { Signature, TensorSpec } from '../core/signature.ts';
import type { Prepared } from '../server/prepare.ts';
import { elementCount } from '../tensor/tensor.ts';

export interface Serving {
  readonly url: string;
  /** host:port of gRPC, where it is answered. */
  readonly grpc?: string;
  readonly pid: number;
  /** Functions, by name, and where each is. */
  readonly functions: Readonly<Record<string, string>>;
  readonly models: Readonly<Record<string, Signature>>;
}

export function servingOf(
  { units, signatures }: Prepared,
  host: string,
  { port, grpcPort, pid }: { readonly port: number; readonly grpcPort: number | undefined; readonly pid: number },
): Serving {
  const name = host.includes(':') ? `[${host}]` : host;
  const url = `http://${name}:${port}`;
  const grpc = grpcPort === undefined ? {} : { grpc: `${name}:${grpcPort}` };
  const functions = units.flatMap((unit) => (unit.kind === 'function' ? [unit.name] : []));
  const place = (name: string) => (units.length === 1 ? `${url}/` : `${url}/${name}/`);
  return {
    url,
    ...grpc,
    pid,
    functions: Object.fromEntries(functions.map((name) => [name, place(name)])),
    models: signatures,
  };
}

/** Paths of requests to try, by function. */
export function samplesOf({ units }: Prepared): Record<string, string> {
  return Object.fromEntries(
    units.flatMap((unit) => (unit.kind === 'function' && unit.sample ? [[unit.name, unit.sample]] : [])),
  );
}

export function describeServing(
  { url, grpc, functions, models }: Serving,
  samples: Readonly<Record<string, string>> = {},
): string[] {
  const lines = ['', `${pc.green('✓')} ${pc.bold('ready')} at ${pc.cyan(url)}  ${pc.dim('Ctrl-C ends it')}`];
  if (grpc) lines.push(`  gRPC at ${pc.cyan(grpc)}`);
  for (const [name, place] of Object.entries(functions)) lines.push(`  ${pc.bold(name)}  POST ${pc.cyan(place)}`);
  for (const [name, signature] of Object.entries(models)) {
    lines.push(`  ${pc.bold(name)}  ${list(signature.inputs)} → ${list(signature.outputs)}`);
  }
  const [model] = Object.entries(models);
  const [sample] = Object.entries(samples);
  if (model) lines.push('', pc.dim(curlOf(url, ...model)));
  else if (sample) lines.push('', pc.dim(curlOfSample(`${functions[sample[0]]}`, sample[1])));
  return lines;
}

function list(specs: Readonly<Record<string, TensorSpec>>): string {
  return Object.entries(specs)
    .map(
      ([name, { datatype, shape }]) =>
        `${printable(name)} ${datatype} [${shape.map((one) => printable(`${one}`)).join(', ')}]`,
    )
    .join(', ');
}

function curlOfSample(place: string, sample: string): string {
  const file = relative('', sample).replaceAll("'", "'\\''");
  return `curl ${place} --data-binary '@${file}' -H 'content-type: ${contentTypeOf(extname(sample))}'`;
}

/** Zeros of the right shape, free dimensions 1: the smallest request that runs. Too long to paste: the path alone. */
function curlOf(url: string, model: string, { inputs }: Signature): string {
  const target = `curl ${url}/v2/models/${encodeURIComponent(model)}/infer`;
  const shapes = Object.values(inputs).map(({ shape }) => shape.map((one) => (typeof one === 'number' ? one : 1)));
  if (shapes.some((shape) => elementCount(shape) > 64)) return `${target} -d @request.json`;
  const body = Object.entries(inputs).map(([name, { datatype }], at) => {
    const zero = datatype === 'BOOL' ? false : datatype === 'BYTES' ? 'text' : 0;
    return {
      name,
      shape: shapes[at],
      datatype,
      data: Array.from({ length: elementCount(shapes[at] ?? []) }, () => zero),
    };
  });
  return `${target} -d '${JSON.stringify({ inputs: body }).replaceAll("'", "'\\''")}'`;
}

/** Names in a file are anybody's: without control characters, which a terminal would obey. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '�').slice(0, 60);
}
