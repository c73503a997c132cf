// The TypeScript client of one function: its types and its one call first, then the parts of templates/client that it needs.
import { readFileSync } from 'node:fs';
import { catalogue } from '../../core/error-catalogue.ts';
import { isRecord } from '../../core/is-record.ts';
import type { Signature, TensorSpec } from '../../core/signature.ts';
import { property, quote } from '../../models/lock-types.ts';
import { jsonSchemaType } from './json-schema-type.ts';
import { sampleSchema } from './sample-schema.ts';

export interface DescribedFunction {
  /** Folder under functions/. */
  readonly name: string;
  readonly input: {
    readonly kind: 'json' | 'tensors' | 'image' | 'audio' | 'text' | 'custom';
    readonly accepts?: {
      readonly contentTypes: readonly string[];
      readonly jsonField?: { readonly name: string; readonly as: 'base64' | 'text' | 'texts' };
    };
  };
  /** JSON Schema of its input, where the schema's library tells it. */
  readonly inputSchema: unknown;
  readonly output: 'tensors' | 'events' | 'lines' | 'bytes' | 'custom';
  /** Of the one model that it runs, where that is all it does. */
  readonly signature: Signature | undefined;
  /** The JSON that lies beside it as its sample request. */
  readonly sampleRequest: unknown;
  /** The body of its golden answer. */
  readonly goldenAnswer: unknown;
}

/** The same function gives the same text on every machine. */
export function clientText(described: DescribedFunction): string {
  const { name } = described;
  const words = name.split(/[^a-zA-Z0-9]+/).filter((word) => word !== '');
  const pascal = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
  const Name = /^[A-Za-z]/.test(pascal) ? pascal : `Function${pascal}`;
  const { declared, argument, sent, extra } = inputOf(described, Name);
  const { types, result, read, parts } = outputOf(described, Name);
  const options = extra ? `CallOptions & { ${extra} }` : 'CallOptions';
  const call = `options, ${sent}, call`;
  const [head, body] =
    parts === undefined
      ? [`async (${argument}, call: ${options} = {}): Promise<${result}>`, `  await ${read}(await send(${call}))`]
      : [
          `async function* (${argument}, call: ${options} = {}): AsyncGenerator<${result}, void, undefined>`,
          `  yield* ${read}(await send(${call}));`,
        ];
  const fragments = ['send', ...(described.output === 'tensors' ? ['tensors'] : (parts ?? ['answer']))];
  return [
    `// Written by \`glowplug client ${name}\`: write it again when the function changes. Browsers and Node 20 run it as it is.`,
    '',
    ...declared,
    ...types,
    `/** CallError.code: its message says what was wrong, its remedy what to do. */`,
    `export type ErrorCode =\n${Object.keys(catalogue)
      .map((code) => `  | ${quote(code)}`)
      .join('\n')};`,
    '',
    '/**',
    ` * Calls ${name}. Rejects with CallError for every answer but 2xx.`,
    ' *',
    ' * @example',
    ` * const call = create${Name}({ url: 'https://….lambda-url.eu-west-1.on.aws/', sign: (request) => aws.sign(request) });`,
    ' */',
    `export function create${Name}(options: ClientOptions) {`,
    ...(parts === undefined ? [`  return ${head} =>\n  ${body};`] : [`  return ${head} {\n  ${body}\n  };`]),
    '}',
    ...fragments.map(fragment),
  ].join('\n');
}

interface InputText {
  readonly declared: readonly string[];
  readonly argument: string;
  /** What is sent, as an expression over `input` and `call`. */
  readonly sent: string;
  /** A further option of each call. */
  readonly extra?: string;
}

function inputOf(described: DescribedFunction, Name: string): InputText {
  const { input, inputSchema, signature, sampleRequest } = described;
  const argument = `input: ${Name}Input`;
  const json = `{ body: JSON.stringify(input), type: 'application/json' }`;
  const declare = (why: string, type: string) => [`/** ${comment(why)} */`, `export type ${Name}Input = ${type};`, ''];
  if (signature) {
    const datatypes = Object.entries(signature.inputs).map(
      ([name, spec]) => `${property(name)}: ${quote(spec.datatype)}`,
    );
    const sent = `inferRequest(input, { ${datatypes.join(', ')} })`;
    return { declared: tensorTypes(`${Name}Input`, signature.inputs), argument, sent };
  }
  if (input.kind === 'json') {
    if (inputSchema !== undefined)
      return { declared: declare('By the function’s schema.', jsonSchemaType(inputSchema)), argument, sent: json };
    const why = 'As its sample request shows: the library of the function’s schema tells no JSON Schema.';
    // What the sample leaves out may be sent all the same.
    const shown =
      sampleRequest === undefined
        ? 'unknown'
        : `${jsonSchemaType(sampleSchema(sampleRequest))}${isRecord(sampleRequest) ? ' & Readonly<Record<string, unknown>>' : ''}`;
    return { declared: declare(why, shown), argument, sent: json };
  }
  const field = input.accepts?.jsonField;
  if (field?.as === 'text') {
    return {
      declared: declare('The text itself.', 'string'),
      argument,
      sent: `{ body: input, type: 'text/plain;charset=utf-8' }`,
    };
  }
  if (field?.as === 'texts') {
    const sent = `{ body: JSON.stringify({ ${property(field.name)}: input }), type: 'application/json' }`;
    return { declared: declare('One answer for each.', 'readonly string[]'), argument, sent };
  }
  const types = input.accepts?.contentTypes ?? ['application/octet-stream'];
  return {
    declared: declare(`A whole file: ${types.join(', ')}.`, 'Body'),
    argument,
    sent: `{ body: input, type: call.type ?? (input instanceof Blob && input.type !== '' ? input.type : ${quote(types[0]!)}) }`,
    extra: `/** Content type. @default a Blob's own, else ${comment(types[0]!)} */ readonly type?: string`,
  };
}

interface OutputText {
  readonly types: readonly string[];
  readonly result: string;
  /** Function that reads the answer. */
  readonly read: string;
  /** Fragments, where the answer comes in parts. */
  readonly parts?: readonly string[];
}

function outputOf({ output, signature, goldenAnswer }: DescribedFunction, Name: string): OutputText {
  const result = `${Name}Output`;
  if (signature) return { types: tensorTypes(result, signature.outputs), result, read: 'readTensors' };
  const declare = (type: string) => [
    `/** ${goldenAnswer === undefined ? 'Nothing tells: no golden answer lies beside the function.' : 'As its golden answer shows.'} */`,
    `export type ${result} = ${type};`,
    '',
  ];
  if (output === 'bytes') return { types: [], result: 'Uint8Array<ArrayBuffer>', read: 'chunks', parts: ['chunks'] };
  if (output === 'lines' || output === 'events') {
    const shown: readonly unknown[] = Array.isArray(goldenAnswer) ? goldenAnswer : [];
    const read = output === 'lines' ? 'readLines' : 'readEvents';
    return {
      types: declare(jsonSchemaType(sampleSchema(...shown))),
      result,
      read: `${read}<${result}>`,
      parts: ['chunks', 'texts', output],
    };
  }
  // A golden answer holds bytes as their digest.
  const isBlob = typeof goldenAnswer === 'string' && /^sha256:[0-9a-f]{64}$/.test(goldenAnswer);
  const shown = goldenAnswer === undefined ? 'unknown' : jsonSchemaType(sampleSchema(goldenAnswer));
  return { types: declare(isBlob ? 'Blob' : shown), result, read: 'readAnswer' };
}

function tensorTypes(name: string, specs: Readonly<Record<string, TensorSpec>>): string[] {
  const members = Object.entries(specs).map(([tensor, { datatype, shape }]) => {
    const lengths = shape.map((length) => (typeof length === 'number' ? `${length}` : 'number')).join(', ');
    const free = shape.map((length) => `${length}`).join(' × ');
    return `  /** ${free === '' ? 'A scalar' : comment(free)} */\n  readonly ${property(tensor)}: Tensor<${quote(datatype)}, readonly [${lengths}]>;`;
  });
  return [`export type ${name} = {`, ...members, '};', ''];
}

/** A part of templates/client as it stands there, without what only joins the parts. */
function fragment(name: string): string {
  return readFileSync(new URL(`../../../templates/client/${name}.ts`, import.meta.url), 'utf8')
    .replace(/^\/\/.*\n/, '')
    .replace(/^import .*\n/gm, '')
    .replace(/^export (?=async function|function)/gm, '')
    .trimEnd();
}

/** Text that does not end the comment it stands in. */
function comment(text: string): string {
  return text.replaceAll('*/', '*\u2215');
}
