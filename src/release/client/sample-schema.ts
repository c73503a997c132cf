// The JSON Schema that a sample shows: what stands in every object is required, what stands in some is not.
import { isRecord } from '../../core/is-record.ts';

export function sampleSchema(...samples: readonly unknown[]): unknown {
  const kinds = [arraySchema(samples), objectSchema(samples), ...plain(samples)].filter((kind) => kind !== undefined);
  return kinds.length === 1 ? kinds[0] : kinds.length === 0 ? {} : { anyOf: kinds };
}

function arraySchema(samples: readonly unknown[]): unknown {
  const arrays: (readonly unknown[])[] = samples.filter((sample) => Array.isArray(sample));
  return arrays.length === 0 ? undefined : { type: 'array', items: sampleSchema(...arrays.flat()) };
}

function objectSchema(samples: readonly unknown[]): unknown {
  const objects = samples.filter(isRecord);
  if (objects.length === 0) return undefined;
  const names = [...new Set(objects.flatMap((one) => Object.keys(one)))];
  const all = (name: string) => objects.filter((one) => Object.hasOwn(one, name)).map((one) => one[name]);
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, sampleSchema(...all(name))])),
    required: names.filter((name) => all(name).length === objects.length),
  };
}

function plain(samples: readonly unknown[]): unknown[] {
  const types = samples.map((sample) => (sample === null ? 'null' : typeof sample));
  return [...new Set(types)].filter((type) => type !== 'object').map((type) => ({ type }));
}
