// The app on a real AWS account: a stage of its own is deployed, does what it does in the local cloud, and is taken away again.
// It costs some cents and takes a quarter of an hour; the account must be bootstrapped (npx cdk bootstrap).
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import { DeleteObjectsCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployCommand } from '../../src/cli/deploy.ts';
import { type RunCdk, runCdk } from '../../src/cli/run-cdk.ts';
import { readContract } from '../../src/core/contract.ts';
import { openStore } from '../../src/models/stores/open-store.ts';
import { runCommand } from '../cli/run-command.ts';
import { type LiveApp, liveApp } from '../e2e/live-app.ts';
import { root } from '../root.ts';

const { credentials, region } = readContract();
const missing = [
  ...(credentials ? [] : ['AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY']),
  ...(process.env['AWS_REGION'] ? [] : ['AWS_REGION']),
];

if (missing.length > 0) {
  const why = `the app on AWS: not run, for the environment has no ${missing.join(', and no ')}`;
  console.log(why);
  it.skip(why, () => {});
}

describe.skipIf(missing.length > 0).each(['x86_64', 'arm64'])('the app on AWS, %s', (architecture) => {
  const suffix = randomBytes(4).toString('hex');
  const stacks = ['functions', 'store'].map((part) => `glowplug-dev-${suffix}-${part}`);
  const chosen = ['--context', `glowplug:suffix=${suffix}`, '--context', `glowplug:architecture=${architecture}`];
  const outputs: Record<string, Record<string, string>> = {};
  let app: LiveApp;

  const cdk: RunCdk = async (folder, args) => {
    await runCdk(folder, [...args, ...chosen]);
    const at = args.indexOf('--outputs-file');
    if (at >= 0) Object.assign(outputs, JSON.parse(await readFile(args[at + 1]!, 'utf8')));
  };

  beforeAll(async () => {
    const shown = await runCommand(deployCommand(cdk), '--stage', 'dev', '--yes');
    expect(shown.exitCode, shown.stderr).toBe(0);
    const location = outputOf(stacks[1]!, /Location/);
    const lambda = new LambdaClient({ region });
    const names: string[] = [];
    for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {})) {
      names.push(...Functions.flatMap(({ FunctionName }) => FunctionName ?? []));
    }
    app = {
      region,
      credentials: credentials!,
      lambda,
      store: await openStore(readContract({ ...process.env, GLOWPLUG_STORE: location })),
      url: (name) => outputOf(stacks[0]!, new RegExp(`^${name}Url`, 'i')),
      functionName: (name) => names.find((one) => one.startsWith(`${stacks[0]}-${pascal(name)}Function`)) ?? name,
    };
  }, 1_800_000);

  afterAll(async () => {
    app?.lambda.destroy();
    await runCdk(root, ['destroy', stacks[0]!, '--force', ...chosen]);
    const bucket = outputs[stacks[1]!] ? outputOf(stacks[1]!, /Location/).replace('s3://', '') : undefined;
    if (bucket !== undefined) await empty(bucket);
    await runCdk(root, ['destroy', stacks[1]!, '--force', ...chosen]);
  }, 1_800_000);

  liveApp(() => app);

  function outputOf(stack: string, key: RegExp): string {
    const [, value] = Object.entries(outputs[stack] ?? {}).find(([name]) => key.test(name)) ?? [];
    if (value === undefined)
      throw new Error(`expected an output ${key} of ${stack}, got ${Object.keys(outputs[stack] ?? {})}`);
    return value;
  }
});

/** Every version of every object: the store keeps them, and a bucket goes only when it is empty. */
async function empty(bucket: string): Promise<void> {
  const client = new S3Client({ region });
  try {
    for (;;) {
      const { Versions = [], DeleteMarkers = [] } = await client.send(
        new ListObjectVersionsCommand({ Bucket: bucket }),
      );
      const Objects = [...Versions, ...DeleteMarkers].flatMap(({ Key, VersionId }) =>
        Key && VersionId ? [{ Key, VersionId }] : [],
      );
      if (Objects.length === 0) return;
      await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
    }
  } finally {
    client.destroy();
  }
}

/** The construct's id, of which CloudFormation makes the name. */
function pascal(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}`;
}
