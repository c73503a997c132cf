// The app on a real AWS account, with everything on: a stage of its own is deployed for each architecture, does what it does in the
// local cloud, and is taken away again. It costs some cents and takes half an hour; the account must be bootstrapped (npx cdk bootstrap).
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  DeleteLayerVersionCommand,
  LambdaClient,
  ListTagsCommand,
  paginateListFunctions,
} from '@aws-sdk/client-lambda';
import { DeleteBucketCommand, DeleteObjectsCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployCommand } from '../../src/cli/deploy.ts';
import { insightsLines } from '../../src/cli/insights.ts';
import { type RunCdk, runCdk } from '../../src/cli/run-cdk.ts';
import { systemClock } from '../../src/core/clock.ts';
import { readContract } from '../../src/core/contract.ts';
import { openStore } from '../../src/models/stores/open-store.ts';
import { awsApi } from '../../src/ops/aws-api.ts';
import { runCommand } from '../cli/run-command.ts';
import { type LiveApp, liveApp } from '../e2e/live-app.ts';
import { type LiveSignals, liveSignals } from '../e2e/live-signals.ts';
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

/** infra/'s app, asked for more: `synth` and `destroy` make it, `deploy` is handed what was made. */
const everything = ['--app', `"${process.execPath}" --conditions=glowplug-source test/aws/app.ts`];

describe.skipIf(missing.length > 0).each(['x86_64', 'arm64'])('the app on AWS, %s', (architecture) => {
  const suffix = randomBytes(4).toString('hex');
  const [functions, models] = ['functions', 'store'].map((part) => `glowplug-dev-${suffix}-${part}`) as [
    string,
    string,
  ];
  const chosen = ['--context', `glowplug:suffix=${suffix}`, '--context', `glowplug:architecture=${architecture}`];
  const outputs: Record<string, Record<string, string>> = {};
  const [lambda, s3, sqs] = [new LambdaClient({ region }), new S3Client({ region }), new SQSClient({ region })];
  const layers = new Set<string>();
  let app: LiveApp & LiveSignals;

  const cdk: RunCdk = async (folder, args) => {
    await runCdk(folder, [...args, ...chosen, ...(args.includes('--app') ? [] : everything)]);
    const at = args.indexOf('--outputs-file');
    if (at >= 0) Object.assign(outputs, JSON.parse(await readFile(args[at + 1]!, 'utf8')));
  };

  beforeAll(async () => {
    const shown = await runCommand(deployCommand(cdk), '--stage', 'dev', '--yes');
    expect(shown.exitCode, shown.stderr).toBe(0);
    const names = new Map<string, string>();
    for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {})) {
      for (const { FunctionName = '', FunctionArn: Resource, Description, Layers = [] } of Functions) {
        if (!Description?.startsWith('glowplug ')) continue;
        // CloudFormation cuts long names, and says in tags what is whose.
        const { Tags = {} } = await lambda.send(new ListTagsCommand({ Resource }));
        if (Tags['aws:cloudformation:stack-name'] !== functions) continue;
        names.set(Tags['aws:cloudformation:logical-id'] ?? '', FunctionName);
        for (const { Arn = '' } of Layers) layers.add(Arn);
      }
    }
    const functionName = (name: string) => {
      const id = name === 'iris-quality' ? 'IrisQualityJob' : `${pascal(name)}Function`;
      return [...names].find(([logical]) => logical.startsWith(id))?.[1] ?? name;
    };
    const api = awsApi({ credentials, region });
    const queue = {
      jobs: outputOf(functions, /^SpamJobs/),
      deadLetters: outputOf(functions, /^SpamDeadLetters/),
      results: outputOf(functions, /^SpamResults/),
    };
    app = {
      region,
      credentials: credentials!,
      lambda,
      sqs,
      s3,
      store: await openStore(readContract({ ...process.env, GLOWPLUG_STORE: outputOf(models, /Location/) })),
      url: (name) => outputOf(functions, new RegExp(`^${name}Url`, 'i')),
      functionName,
      queue,
      lines: async (name, requestId) =>
        await insightsLines(requestId, {
          api,
          clock: systemClock,
          functionName: functionName(name),
          sinceMs: 3_600_000,
          now: Date.now(),
        }),
      counted: async (name, metric) => await sampleCount(functionName(name), metric),
      patience: 600_000,
      // Lambda asks for no less than the function's timeout.
      againAfter: 30,
    };
  }, 1_800_000);

  afterAll(async () => {
    const bucketsOf = (stack: string) =>
      Object.values(outputs[stack] ?? {}).flatMap((value) => /^s3:\/\/([^/]+)/.exec(value)?.[1] ?? []);
    await runCdk(root, ['destroy', functions, '--force', ...chosen, ...everything]);
    // What was captured and answered outlives its stack, as layers do.
    for (const bucket of new Set(bucketsOf(functions))) {
      await empty(s3, bucket);
      await s3.send(new DeleteBucketCommand({ Bucket: bucket }));
    }
    for (const arn of layers) {
      const [, LayerName, version] = /^(.+):(\d+)$/.exec(arn) ?? [];
      await lambda.send(new DeleteLayerVersionCommand({ LayerName, VersionNumber: Number(version) }));
    }
    for (const bucket of bucketsOf(models)) await empty(s3, bucket);
    await runCdk(root, ['destroy', models, '--force', ...chosen, ...everything]);
    for (const client of [lambda, s3, sqs]) client.destroy();
  }, 1_800_000);

  liveApp(() => app);
  liveSignals(() => app, 900_000);

  function outputOf(stack: string, key: RegExp): string {
    const [, value] = Object.entries(outputs[stack] ?? {}).find(([name]) => key.test(name)) ?? [];
    if (value === undefined)
      throw new Error(`expected an output ${key} of ${stack}, got ${Object.keys(outputs[stack] ?? {})}`);
    return value;
  }
});

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html */
async function sampleCount(functionName: string, metric: string): Promise<number> {
  const query = new URLSearchParams({
    Action: 'GetMetricStatistics',
    Version: '2010-08-01',
    Namespace: 'glowplug',
    MetricName: metric,
    'Dimensions.member.1.Name': 'FunctionName',
    'Dimensions.member.1.Value': functionName,
    StartTime: new Date(Date.now() - 3_600_000).toISOString(),
    EndTime: new Date().toISOString(),
    Period: '3600',
    'Statistics.member.1': 'SampleCount',
  });
  const signer = new AwsClient({ ...credentials!, region, service: 'monitoring' });
  const url = `https://monitoring.${region}.amazonaws.com/?${query}`;
  const response = await signer.fetch(url, { headers: { accept: 'application/json' } });
  const answer = Object(await response.json()).GetMetricStatisticsResponse?.GetMetricStatisticsResult;
  expect(answer, `CloudWatch answered ${response.status}`).toBeDefined();
  const points: { SampleCount: number }[] = answer.Datapoints;
  return points.reduce((sum, { SampleCount }) => sum + SampleCount, 0);
}

/** Every version of every object: the store keeps them, and a bucket goes only when it is empty. */
async function empty(s3: S3Client, Bucket: string): Promise<void> {
  for (;;) {
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    const Objects = [...Versions, ...DeleteMarkers].flatMap(({ Key, VersionId }) =>
      Key && VersionId ? [{ Key, VersionId }] : [],
    );
    if (Objects.length === 0) return;
    await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  }
}

/** The construct's id, of which CloudFormation makes the name. */
function pascal(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}`;
}
