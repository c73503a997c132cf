// A JSON Schema as the TypeScript type of what it accepts. What a type cannot say (ranges, patterns) the function still checks.
import { isRecord } from '../../core/is-record.ts';
import { property, quote } from '../../models/lock-types.ts';

/**
 * Refers to `$defs` and `definitions` by what stands there; a schema that refers to itself is `unknown` where it does.
 *
 * @example
 * jsonSchemaType({ type: 'object', properties: { text: { type: 'string' } }, required: ['text'] }); // { text: string }
 */
export function jsonSchemaType(schema: unknown): string {
  return typeOf(schema, schema, []);
}

function typeOf(schema: unknown, root: unknown, seen: readonly unknown[]): string {
  if (schema === false) return 'never';
  if (!isRecord(schema) || seen.includes(schema)) return 'unknown';
  const inner = (one: unknown) => typeOf(one, root, [...seen, schema]);
  if (typeof schema['$ref'] === 'string') return inner(at(root, schema['$ref']));
  if ('const' in schema) return literal(schema['const']);
  if (Array.isArray(schema['enum'])) return join(schema['enum'].map(literal), ' | ');
  const any = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(any)) return join(any.map(inner), ' | ');
  if (Array.isArray(schema['allOf'])) return join(schema['allOf'].map(inner), ' & ');
  const { type } = schema;
  if (Array.isArray(type))
    return join(
      type.map((one) => inner({ ...schema, type: one })),
      ' | ',
    );
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
      return type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      return arrayType(schema, inner);
    case 'object':
      return objectType(schema, inner);
    default:
      return 'unknown';
  }
}

function arrayType(schema: Readonly<Record<string, unknown>>, inner: (schema: unknown) => string): string {
  const { prefixItems, items } = schema;
  if (!Array.isArray(prefixItems)) return `readonly ${wrapped(items === undefined ? 'unknown' : inner(items))}[]`;
  const rest = items === undefined || items === false ? [] : [`...${wrapped(inner(items))}[]`];
  return `readonly [${[...prefixItems.map(inner), ...rest].join(', ')}]`;
}

function objectType(schema: Readonly<Record<string, unknown>>, inner: (schema: unknown) => string): string {
  const { properties, required, additionalProperties } = schema;
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  const named = Object.entries(isRecord(properties) ? properties : {}).map(
    ([name, one]) => `readonly ${property(name)}${needed.includes(name) ? '' : '?'}: ${inner(one)}`,
  );
  if (named.length > 0) return `{ ${named.join('; ')} }`;
  return `Readonly<Record<string, ${isRecord(additionalProperties) ? inner(additionalProperties) : 'unknown'}>>`;
}

function at(root: unknown, reference: string): unknown {
  if (!reference.startsWith('#')) return undefined;
  const path = reference
    .slice(1)
    .split('/')
    .filter((part) => part !== '');
  return path
    .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((one, part) => (isRecord(one) ? one[part] : undefined), root);
}

function literal(value: unknown): string {
  return typeof value === 'string' ? quote(value) : isRecord(value) || Array.isArray(value) ? 'unknown' : `${value}`;
}

function join(types: readonly string[], by: ' | ' | ' & '): string {
  const unique = [...new Set(types)];
  return unique.length === 1 ? unique[0]! : unique.map(wrapped).join(by) || 'never';
}

function wrapped(type: string): string {
  return /^[\w.]+$|^'[^']*'$|^\{[^{}]*\}$/.test(type) ? type : `(${type})`;
}
