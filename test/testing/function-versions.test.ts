// Versions and aliases: which one runs, what it is told of itself, and by which shares an alias chooses.
import { describe, expect } from 'vitest';
import { CloudFunction } from '../../src/testing/cloud-function.ts';
import { behaviour } from './behaviour.ts';
import { type Harness, harness, where } from './runtime/harness.ts';

interface Said {
  readonly version: string;
  readonly variable: string;
  readonly arn: string;
  readonly pid: number;
}

const source = `export const handler = async (_event, context) => ({
  version: context.functionVersion, variable: process.env.AWS_LAMBDA_FUNCTION_VERSION,
  arn: context.invokedFunctionArn, pid: process.pid,
});`;

function versioned(cloud: Harness, url = {}) {
  const { spec } = cloud.add(source).local;
  const weights = [
    { version: '1', weight: 0.75 },
    { version: '7', weight: 0.25 },
  ];
  const own = { versions: ['1', '7'], aliases: [{ name: 'live', weights }], ...url };
  return new CloudFunction({ ...spec, ...own }, cloud.fleet, where, () => new Date());
}

async function ask(fn: CloudFunction, qualifier: string): Promise<Said & { readonly executed: string }> {
  const found = fn.qualified(qualifier)!;
  const outcome = await found.invoke({ payload: Buffer.from('{}') });
  if (outcome.kind !== 'response') throw new Error(outcome.kind);
  return { ...JSON.parse(Buffer.from(outcome.payload).toString()), executed: found.version };
}

describe('versions and aliases', () => {
  behaviour(
    'A version has environments of its own, which say its number; $LATEST is another',
    'AWS Lambda Developer Guide: Manage Lambda function versions',
    async () => {
      await using cloud = harness();
      await using fn = versioned(cloud);
      const latest = await ask(fn, '$LATEST');
      const first = await ask(fn, '1');
      expect(latest).toMatchObject({ version: '$LATEST', variable: '$LATEST', executed: '$LATEST' });
      expect(first).toMatchObject({ version: '1', variable: '1', executed: '1' });
      expect(first.pid).not.toBe(latest.pid);
      expect(first.arn).toBe(`${latest.arn}:1`);
      expect(fn.logs()).toMatch(/START RequestId: [\w-]+ Version: 1\n/);
      expect(fn.qualified('2')).toBeUndefined();
      expect(await fn.kill()).toBe(2);
    },
  );

  behaviour(
    'An alias invokes its version, or shares invocations between two by their weights; the ARN names the alias',
    'AWS Lambda Developer Guide: Implement Lambda canary deployments using a weighted alias',
    async () => {
      await using cloud = harness();
      await using fn = versioned(cloud);
      const total = 200;
      const counts: Record<string, number> = {};
      for (let at = 0; at < total; at++) {
        const { version, executed, arn } = await ask(fn, 'live');
        expect(executed).toBe(version);
        expect(arn).toMatch(/:live$/);
        counts[version] = (counts[version] ?? 0) + 1;
      }
      console.log(`an alias of 75 and 25 %: ${JSON.stringify(counts)} of ${total} invocations`);
      expect(Object.keys(counts).sort()).toEqual(['1', '7']);
      expect(Math.abs(counts['7']! / total - 0.25)).toBeLessThan(0.1);
    },
  );

  behaviour(
    'A function URL of an alias invokes the alias',
    'AWS Lambda Developer Guide: Creating and managing Lambda function URLs',
    async () => {
      await using cloud = harness();
      const url = { auth: 'NONE', invokeMode: 'BUFFERED', qualifier: 'live' } as const;
      await using fn = versioned(cloud, { url });
      await fn.open(0);
      const said: Partial<Said> = Object(await (await fn.fetch('/')).json());
      expect(['1', '7']).toContain(said.version);
      expect(said.arn).toMatch(/:live$/);
    },
  );
});
