// The protocol's parameters: strings, numbers and booleans by name. Unknown ones are ignored, as the protocol has it.
import { GlowplugError } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import { malformed } from './malformed.ts';

type Parameters = Readonly<Record<string, unknown>>;

/** Those of Triton's that would change the answer: going past them in silence would answer another question. */
const notHere = ['classification', 'shared_memory_region', 'shared_memory_offset', 'shared_memory_byte_size'];

/** @throws GlowplugError INPUT_TENSOR */
export function readParameters(where: string, parameters: unknown): Parameters {
  if (parameters === undefined) return {};
  if (!isRecord(parameters)) throw malformed(`parameters of ${where} as an object`, parameters);
  for (const [name, value] of Object.entries(parameters)) {
    if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value)) {
      throw malformed(`parameter ${name.slice(0, 60)} of ${where} as a string, number or boolean`, value);
    }
  }
  return parameters;
}

/** @throws GlowplugError INPUT_TENSOR */
export function readFlag(parameters: Parameters, name: string): boolean | undefined {
  const value = parameters[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw malformed(`parameter ${name} as true or false`, value);
}

/** @throws GlowplugError INPUT_TENSOR for a parameter of an extension that GET /v2 does not list */
export function refuseExtensions(where: string, parameters: Parameters): void {
  const found = notHere.find((name) => Object.hasOwn(parameters, name));
  if (found === undefined) return;
  throw new GlowplugError(
    'INPUT_TENSOR',
    `${where}: the parameter ${found} is of an extension that is not served here`,
    {
      remedy:
        'GET /v2 lists the extensions. Send and take tensors in the request and the answer, as JSON or as binary data.',
    },
  );
}
