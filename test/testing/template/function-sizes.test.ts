// What `glowplug cost` reckons for: the functions of an app, and what endpoints alone host.
import { expect, it } from 'vitest';
import { functionSizes } from '../../../src/testing/template/function-sizes.ts';
import { temporaryFolder, writeAssembly } from './assembly.ts';

it('functions have their sizes, endpoints without a function beside them their names, anything else neither', async () => {
  using folder = temporaryFolder();
  const lambda = (name: string, Properties: object) => ({
    Type: 'AWS::Lambda::Function',
    Metadata: { 'glowplug:function': name },
    Properties,
  });
  const hosted = (Type: string, name: string) => ({ Type, Metadata: { 'glowplug:endpoint': name } });
  writeAssembly(folder.path, {
    Functions: {
      Resources: {
        Ocr: lambda('ocr', { MemorySize: 2048, Architectures: ['arm64'] }),
        Iris: lambda('iris', {}),
        Own: { Type: 'AWS::Lambda::Function', Properties: { MemorySize: 512 } },
      },
    },
    Endpoints: {
      Resources: {
        Ocr: hosted('AWS::ECS::TaskDefinition', 'ocr'),
        Speech: hosted('AWS::SageMaker::InferenceComponent', 'speech'),
        Again: hosted('AWS::Lambda::Function', 'speech'),
      },
    },
  });
  expect(await functionSizes(folder.path)).toEqual({
    functions: [
      { name: 'iris', architecture: 'x86_64', memoryMb: 128 },
      { name: 'ocr', architecture: 'arm64', memoryMb: 2048 },
    ],
    endpoints: ['speech'],
  });
});
