// Whether somebody has set tracing up in this process: all of it that a process needs in which nobody has.
import type { OpenTelemetry } from './open-telemetry.ts';

/** Undefined where no tracer provider is registered. */
export function openTelemetry(): OpenTelemetry | undefined {
  const api: unknown = Reflect.get(globalThis, apiKey);
  return isRegistered(api) ? api : undefined;
}

const apiKey = Symbol.for('opentelemetry.js.api.1');

function isRegistered(api: unknown): api is OpenTelemetry {
  return typeof api === 'object' && api !== null && 'trace' in api && typeof Object(api.trace).getTracer === 'function';
}
