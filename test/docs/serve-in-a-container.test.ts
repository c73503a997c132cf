// The guide's page: its command serves, its request is answered, its options exist.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AccountPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { GpuEndpoint, ModelStore } from '../../src/cdk/index.ts';
import { serveCommand } from '../../src/cli/serve.ts';
import { estimateCosts, readTraffic } from '../../src/observe/cost.ts';
import { prices } from '../../src/observe/prices.ts';
import { root } from '../root.ts';
import { serveProcess } from '../server/serve-process.ts';

const page = readFileSync(join(root, 'docs/guide/5-serve-in-a-container.md'), 'utf8');
const [serve = '', curl = ''] = [...page.matchAll(/```sh run\n(.*)\n```/g)].map(([, line = '']) => line);

describe('docs/guide/5-serve-in-a-container.md', () => {
  it('serves with its command, and answers its request', async () => {
    const args = serve
      .replace('npx glowplug serve ', '')
      .replace(/port 800\d/g, 'port 0')
      .split(' ');
    await using running = serveProcess(args);
    const { url, grpc } = await running.ready();
    expect(grpc).toMatch(/:\d+$/);
    const [, path = '', body = ''] = /^curl http:\/\/127\.0\.0\.1:8000(\S+) -d '(.*)'$/.exec(curl) ?? [];
    const response = await fetch(`${url}${path}`, { method: 'POST', body });
    expect(Object(await response.json()).outputs[0]).toMatchObject({ name: 'class', data: [0] });
  });

  it('puts an endpoint behind API Gateway as its code says', () => {
    const [, code = ''] = /```ts\n(const endpoint = [\s\S]*?)```/.exec(page) ?? [];
    const outdir = mkdtempSync(join(tmpdir(), 'glowplug-guide-'));
    try {
      const app = new App({ outdir, context: { 'aws:cdk:disable-asset-staging': true } });
      const store = new ModelStore(new Stack(app, 'Models'), 'Store');
      const stack = new Stack(app, 'Endpoint');
      const role = new Role(stack, 'Caller', { assumedBy: new AccountPrincipal('111122223333') });
      new Function('GpuEndpoint', 'stack', 'store', 'role', code)(GpuEndpoint, stack, store, role);
      const template = Template.fromStack(stack);
      template.allResourcesProperties('AWS::ApiGatewayV2::Route', { AuthorizationType: 'AWS_IAM' });
      template.hasResourceProperties('AWS::ECS::Service', { DeploymentConfiguration: { Strategy: 'BLUE_GREEN' } });
      // The ocr function has a golden sample.
      template.hasResourceProperties('AWS::Lambda::Function', { Handler: 'index.handler' });
    } finally {
      rmSync(outdir, { recursive: true });
    }
  });

  it('answers what it shows of a client of SageMaker, and the same with binary tensors', async () => {
    const [, type = '', body = ''] = /ContentType="(.*?)",\n\s*Body='(.*?)'/.exec(page) ?? [];
    await using running = serveProcess(['models/iris/iris.onnx', '--sagemaker', '--host', '127.0.0.1', '--port', '0']);
    const { url } = await running.ready();
    expect((await fetch(`${url}/ping`)).status).toBe(200);
    const headers = { 'content-type': type };
    const answered = await fetch(`${url}/invocations`, { method: 'POST', body, headers });
    expect(Object(await answered.json()).outputs[0]).toMatchObject({ name: 'class', data: [0] });

    const [, binary = ''] = /`(application\/vnd\.sagemaker-triton\S+)…`/.exec(page) ?? [];
    const input = { name: 'x', shape: [1, 4], datatype: 'FP32', parameters: { binary_data_size: 16 } };
    const outputs = [{ name: 'class', parameters: { binary_data: true } }];
    const header = Buffer.from(JSON.stringify({ inputs: [input], outputs }));
    const tensor = new Uint8Array(Float32Array.of(5.1, 3.5, 1.4, 0.2).buffer);
    const response = await fetch(`${url}/invocations`, {
      method: 'POST',
      body: Buffer.concat([header, tensor]),
      headers: { 'content-type': `${binary}${header.length}` },
    });
    const size = Number(response.headers.get('content-type')?.replace(binary, ''));
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(JSON.parse(bytes.subarray(0, size).toString()).outputs).toMatchObject([{ name: 'class' }]);
    expect(bytes.subarray(size).readBigInt64LE()).toBe(0n);
  });

  it('says what an endpoint costs, idle and always on, as glowplug cost does', () => {
    const traffic = readTraffic({ requestsPerMonth: 0, ms: 0 }, 'none');
    const costs = estimateCosts({ name: 'ocr', architecture: 'x86_64', memoryMb: 1769 }, traffic, prices);
    const hosts = ['ecs-gpu', 'lambda-gpu', 'sagemaker'].map((host) => costs.find((cost) => cost.host === host));
    const figures = (row: RegExp) => row.exec(page)?.[0].match(/\$\d+|nothing/g);
    expect(figures(/\| a month in which nobody asks .*/)).toEqual(
      hosts.map((cost) => (cost?.idle ? `$${Math.round(cost.idle)}` : 'nothing')),
    );
    expect(figures(/\| a month of one L4 .*/)).toEqual(hosts.map((cost) => `$${Math.round(cost?.dollars ?? 0)}`));
  });

  it('names options that there are', () => {
    const known = serveCommand().options.map(({ long }) => long);
    const named = [...page.matchAll(/(--[a-z][a-z-]*)/g)].map(([, option = '']) => option);
    const others = ['--target', '--build-arg', '--read-only', '--tmpfs'];
    expect(named.filter((option) => !known.includes(option) && !others.includes(option))).toEqual([]);
    expect(named.length).toBeGreaterThan(8);
  });
});
