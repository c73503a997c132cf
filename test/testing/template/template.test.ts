// What is read of a synthesised app, and what is said where it cannot be run.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's own syntax
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTemplate } from '../../../src/testing/template/template.ts';
import { temporaryFolder, writeAssembly } from './assembly.ts';

const where = { region: 'us-east-1', account: '000000000000' };
const store = {
  Resources: { Models: { Type: 'AWS::S3::Bucket', Properties: { VersioningConfiguration: { Status: 'Enabled' } } } },
  Outputs: { Name: { Value: { Ref: 'Models' }, Export: { Name: 'store:Models' } } },
};
const iris = {
  Type: 'AWS::Lambda::Function',
  Metadata: { 'glowplug:function': 'iris' },
  Properties: {
    Code: { S3Bucket: { 'Fn::Sub': 'assets-${AWS::AccountId}' }, S3Key: 'code.zip' },
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    Layers: [{ Ref: 'Layer' }],
    Environment: {
      Variables: { GLOWPLUG_STORE: { 'Fn::Join': ['', ['s3://', { 'Fn::ImportValue': 'store:Models' }]] } },
    },
    Role: { 'Fn::GetAtt': ['Unknown', 'Arn'] },
  },
};
const layer = { Type: 'AWS::Lambda::LayerVersion', Properties: { Content: { S3Key: 'layer.zip' } } };
const url = {
  Type: 'AWS::Lambda::Url',
  Properties: { AuthType: 'AWS_IAM', TargetFunctionArn: { 'Fn::GetAtt': ['Iris', 'Arn'] } },
};

describe('a template', () => {
  it('gives the functions with code, layers, variables and URL, and the buckets', async () => {
    using folder = temporaryFolder();
    writeAssembly(folder.path, { store, functions: { Resources: { Iris: iris, Layer: layer, Url: url } } }, [
      'code',
      'layer',
    ]);
    const template = await readTemplate(folder.path, where);
    expect(template).toMatchObject({
      buckets: [{ name: 'store-models', versioned: true }],
      skipped: [],
      functions: [
        {
          name: 'iris',
          functionName: 'functions-Iris',
          handler: 'index.handler',
          runtime: 'nodejs24.x',
          codeFolder: join(folder.path, 'asset.code'),
          layers: [join(folder.path, 'asset.layer')],
          environment: { GLOWPLUG_STORE: 's3://store-models' },
          url: { auth: 'AWS_IAM', invokeMode: 'BUFFERED' },
        },
      ],
    });
  });

  it('of Managed Instances says how many requests an environment takes: its own number, or 64 for each vCPU', async () => {
    using folder = temporaryFolder();
    const on = (config: object) => ({
      ...iris,
      Properties: {
        ...iris.Properties,
        MemorySize: 8192,
        CapacityProviderConfig: {
          LambdaManagedInstancesCapacityProviderConfig: { CapacityProviderArn: 'arn', ...config },
        },
      },
    });
    const Resources = {
      Layer: layer,
      Default: { ...on({}), Metadata: {} },
      Iris: on({ PerExecutionEnvironmentMaxConcurrency: 7, ExecutionEnvironmentMemoryGiBPerVCpu: 8 }),
    };
    writeAssembly(folder.path, { store, functions: { Resources } }, ['code', 'layer']);
    const { functions } = await readTemplate(folder.path, where);
    expect(functions.map(({ name, managed }) => [name, managed])).toEqual([
      ['Default', { vcpus: 4, maxConcurrency: 256 }],
      ['iris', { vcpus: 1, maxConcurrency: 7 }],
    ]);
  });

  it('gives the versions of a function, its aliases with their weights, and the alias of its URL', async () => {
    using folder = temporaryFolder();
    const Resources = {
      Iris: iris,
      Layer: layer,
      Current: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Iris' } } },
      Live: {
        Type: 'AWS::Lambda::Alias',
        Properties: {
          Name: 'live',
          FunctionName: { Ref: 'Iris' },
          FunctionVersion: { 'Fn::GetAtt': ['Current', 'Version'] },
          RoutingConfig: { AdditionalVersionWeights: [{ FunctionVersion: '7', FunctionWeight: 0.25 }] },
        },
      },
      Url: { ...url, Properties: { ...url.Properties, Qualifier: 'live' } },
    };
    writeAssembly(folder.path, { store, functions: { Resources } }, ['code', 'layer']);
    const { functions } = await readTemplate(folder.path, where);
    expect(functions).toMatchObject([
      {
        versions: ['1', '7'],
        aliases: [
          {
            name: 'live',
            weights: [
              { version: '1', weight: 0.75 },
              { version: '7', weight: 0.25 },
            ],
          },
        ],
        url: { qualifier: 'live' },
      },
    ]);
  });

  it('names the resources that nothing here stands for, and none that have no effect here', async () => {
    using folder = temporaryFolder();
    const Resources = {
      Iris: iris,
      Layer: layer,
      Url: url,
      Role: { Type: 'AWS::IAM::Role' },
      Alarm: { Type: 'AWS::CloudWatch::Alarm' },
      Table: { Type: 'AWS::DynamoDB::Table' },
      Other: { Type: 'AWS::DynamoDB::Table' },
      Topic: { Type: 'AWS::SNS::Topic' },
      Odd: {},
    };
    writeAssembly(folder.path, { store, functions: { Resources } }, ['code', 'layer']);
    const { unknown, functions } = await readTemplate(folder.path, where);
    expect(unknown).toEqual(['AWS::DynamoDB::Table (2)', 'AWS::SNS::Topic', 'a resource without a type']);
    expect(functions).toHaveLength(1);
  });

  it('without memory and timeout has Lambda’s defaults, 128 MB and 3 s', async () => {
    using folder = temporaryFolder();
    writeAssembly(folder.path, { store, f: { Resources: { Iris: iris, Layer: layer } } }, ['code', 'layer']);
    const { functions } = await readTemplate(folder.path, where);
    expect(functions[0]).toMatchObject({ memoryMb: 128, timeoutMs: 3_000, log: { format: 'Text' } });
    expect(functions[0]).not.toHaveProperty('url');
    expect(functions[0]).not.toHaveProperty('reservedConcurrency');
  });

  it('names a function without the metadata by its logical id', async () => {
    using folder = temporaryFolder();
    const { Metadata: _, ...plain } = iris;
    writeAssembly(folder.path, { store, f: { Resources: { Iris: plain, Layer: layer } } }, ['code', 'layer']);
    expect((await readTemplate(folder.path, where)).functions.map(({ name }) => name)).toEqual(['Iris']);
  });

  it('leaves out images, other languages, and functions that only deploying needs', async () => {
    using folder = temporaryFolder();
    const Resources = {
      Image: { Type: 'AWS::Lambda::Function', Properties: { PackageType: 'Image' } },
      Python: { Type: 'AWS::Lambda::Function', Properties: { Runtime: 'python3.13' } },
      Provider: { Type: 'AWS::Lambda::Function', Properties: { Runtime: 'nodejs24.x' } },
      Emptied: {
        Type: 'Custom::S3AutoDeleteObjects',
        Properties: { ServiceToken: { 'Fn::GetAtt': ['Provider', 'Arn'] } },
      },
    };
    writeAssembly(folder.path, { f: { Resources } });
    expect(await readTemplate(folder.path, where)).toMatchObject({
      functions: [],
      skipped: [
        { name: 'Image', reason: 'it is a container image' },
        { name: 'Python', reason: 'its runtime is python3.13, and only Node.js runs here' },
      ],
    });
  });

  it.each([
    [
      'a variable that only AWS knows',
      { Environment: { Variables: { Q: { 'Fn::GetAtt': ['Layer', 'Url'] } } } },
      'function iris cannot be run here: its Environment.Variables needs what stack f: Url of Layer is not known before it is deployed',
    ],
    [
      'code that is not staged',
      { Code: { S3Key: 'absent.zip' } },
      'function iris: expected its code to be a folder that cdk synth staged, got "absent.zip"',
    ],
    [
      'a layer from elsewhere',
      { Layers: ['arn:aws:lambda:us-east-1:1:layer:x:1'] },
      'function iris: expected its layer "arn:aws:lambda:us-east-1:1:layer:x:1" to be a folder that cdk synth staged, got undefined',
    ],
    ['a handler that is no text', { Handler: ['index'] }, 'function iris: expected Handler to be text, got ["index"]'],
    [
      'a timeout that is no number',
      { Timeout: 'long' },
      'function iris: expected Timeout to be a whole number, got "long"',
    ],
  ])('with %s says which function needs it', async (_what, properties, message) => {
    using folder = temporaryFolder();
    const broken = { ...iris, Properties: { ...iris.Properties, ...properties } };
    writeAssembly(folder.path, { store, f: { Resources: { Iris: broken, Layer: layer } } }, ['code', 'layer']);
    await expect(readTemplate(folder.path, where)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message });
  });

  it('with two functions of one name is refused', async () => {
    using folder = temporaryFolder();
    writeAssembly(folder.path, { store, f: { Resources: { A: iris, B: iris, Layer: layer } } }, ['code', 'layer']);
    await expect(readTemplate(folder.path, where)).rejects.toThrow('the app has two functions that are called iris');
  });

  it('that is not there or not whole names the file', async () => {
    using folder = temporaryFolder();
    await expect(readTemplate(folder.path, where)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(join(folder.path, 'manifest.json')),
    });
  });
});
