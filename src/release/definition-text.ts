// A definition as the TypeScript that a person would have written.
import type { ModelDefinition, ModelFiles } from './define-model.ts';
import type { Source } from './sources.ts';

/** @param head lines of comment above it */
export function definitionText(definition: ModelDefinition, head: readonly string[]): string {
  const { name, version, license, description, gate, variants, files } = definition;
  const used = new Set<string>();
  const body = [
    `  name: ${quote(name)},`,
    `  version: ${quote(version)},`,
    `  license: ${quote(license)},`,
    ...(description === undefined ? [] : [`  description: ${quote(description)},`]),
    ...(gate
      ? [
          `  gate: { ${Object.entries(gate)
            .map(([key, value]) => `${key}: ${typeof value === 'string' ? quote(value) : value}`)
            .join(', ')} },`,
        ]
      : []),
    ...(files ? ['  files: {', ...filesText(files, used, '    '), '  },'] : []),
    ...(variants
      ? [
          '  variants: {',
          ...Object.entries(variants).flatMap(([variant, { files: its, precision, architecture, needs, starts }]) => [
            `    ${key(variant)}: {`,
            ...(precision ? [`      precision: ${quote(precision)},`] : []),
            ...(architecture ? [`      architecture: ${quote(architecture)},`] : []),
            ...(needs ? [`      needs: [${needs.map(quote).join(', ')}],`] : []),
            ...(starts ? [`      starts: [${starts.map(quote).join(', ')}],`] : []),
            '      files: {',
            ...filesText(its, used, '        '),
            '      },',
            '    },',
          ]),
          '  },',
        ]
      : []),
  ];
  const imports = ['defineModel', ...[...used].sort()].join(', ');
  return [
    ...head,
    `import { ${imports} } from 'glowplug/release';`,
    '',
    'export default defineModel({',
    ...body,
    '});',
    '',
  ].join('\n');
}

function filesText(files: ModelFiles, used: Set<string>, indent: string): string[] {
  return Object.entries(files).map(([file, source]) => `${indent}${key(file)}: ${sourceText(source, used)},`);
}

function sourceText(source: Source, used: Set<string>): string {
  switch (source.from) {
    case 'package':
      used.add('fromPackage');
      return `fromPackage(${quote(source.name)}, ${quote(source.path)})`;
    case 'path':
      used.add('fromPath');
      return `fromPath(${quote(source.path)})`;
    case 'url':
      used.add('fromUrl');
      return `fromUrl(${quote(source.url)}, ${quote(source.digest)})`;
    case 'recipe':
      used.add('fromRecipe');
      return `fromRecipe(${sourceText(source.model, used)}, ${quote(source.path)})`;
  }
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name);
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}
