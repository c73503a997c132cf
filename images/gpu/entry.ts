// The image's only entry. The host says which of three it is by what it sets:
//   Lambda     AWS_LAMBDA_RUNTIME_API   one function's bundle, through AWS's own runtime client
//   SageMaker  the argument `serve`     /ping and /invocations on 8080
//   any other                           glowplug serve, with the arguments given
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const here = import.meta.dirname;
const { env } = process;
const args = process.argv.slice(2);

if (env['AWS_LAMBDA_RUNTIME_API']) await onLambda();
else await serve();

/** The client ends the process itself. */
async function onLambda(): Promise<void> {
  const [bundle, ...others] = bundles();
  if (!bundle || others.length > 0)
    throw new Error('expected GLOWPLUG_FUNCTION to name the function: there are several');
  env['LAMBDA_TASK_ROOT'] = bundle;
  // Its init ends when the models are open, where an environment stands by.
  env['_HANDLER'] = 'init.handler';
  // As on the other hosts: TensorRT, CUDA or the CPU, by what loads and computes the same.
  env['GLOWPLUG_PROVIDER'] ??= 'auto';
  process.chdir(bundle);
  // Stands in for the client's one native file: it has to be there before the client looks for it, in each of its threads too.
  const stand = 'dist/testing/runtime/runtime-client.js';
  process.execArgv.push('--import', pathToFileURL(join(here, stand)).href);
  await load(stand);
  await load('node_modules/aws-lambda-ric/index.mjs');
}

async function serve(): Promise<void> {
  const onSageMaker = args.length === 1 && args[0] === 'serve';
  const given = onSageMaker ? ['--sagemaker'] : args;
  const named = given.some((arg) => arg === '--model' || arg.endsWith('.onnx') || existsSync(arg));
  const targets = named ? [] : bundles();
  const listen = given.includes('--host') ? [] : ['--host', '0.0.0.0'];
  const port = given.includes('--port') || onSageMaker ? [] : ['--port', '8080'];
  const { serveCommand }: typeof import('../../src/cli/serve.ts') = await load('dist/cli/serve.js');
  await serveCommand().parseAsync([...listen, ...port, ...given, ...targets], { from: 'user' });
}

/** All of them, or the one that GLOWPLUG_FUNCTION names. */
function bundles(): string[] {
  const folder = join(here, 'functions');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const wanted = env['GLOWPLUG_FUNCTION'];
  if (wanted === undefined) return names.map((name) => join(folder, name));
  if (names.includes(wanted)) return [join(folder, wanted)];
  throw new Error(`expected GLOWPLUG_FUNCTION to name one of ${names.join(', ')}, got ${wanted}`);
}

async function load(path: string) {
  return await import(join(here, path));
}
