// How large the functions of a synthesised app are, for who reckons what they cost.
import { readAssembly } from './assembly.ts';
import { at, objectAt, resourcesOf, stringAt } from './json.ts';

export interface TemplateFunction {
  readonly name: string;
  readonly architecture: 'x86_64' | 'arm64';
  readonly memoryMb: number;
}

/** Those that a folder under functions/ became, by name, and the names of those that an endpoint hosts alone. @param folder a cdk.out */
export async function functionSizes(folder: string): Promise<{ functions: TemplateFunction[]; endpoints: string[] }> {
  const { stacks } = await readAssembly(folder);
  const functions = stacks
    .flatMap(({ template }) => resourcesOf(template, 'AWS::Lambda::Function'))
    .flatMap(([, resource]) => {
      const name = stringAt(resource, 'Metadata', 'glowplug:function');
      if (name === undefined) return [];
      const architectures = at(resource, 'Properties', 'Architectures');
      const arm = Array.isArray(architectures) && architectures.includes('arm64');
      const memoryMb = Number(at(resource, 'Properties', 'MemorySize') ?? 128);
      return [{ name, architecture: arm ? ('arm64' as const) : ('x86_64' as const), memoryMb }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const hosted = stacks
    .flatMap(({ template }) => Object.values(objectAt(template, 'Resources')))
    .flatMap((resource) => stringAt(resource, 'Metadata', 'glowplug:endpoint') ?? []);
  const alone = new Set(hosted.filter((name) => functions.every((each) => each.name !== name)));
  return { functions, endpoints: [...alone].sort() };
}
