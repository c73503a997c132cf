// What opens a request's spans, loaded where somebody traces and not before.
import { openTelemetry } from './registered-tracing.ts';

/** Undefined where no tracer provider is registered. */
export async function requestSpans(): Promise<typeof import('./request-span.ts') | undefined> {
  return openTelemetry() && (await import('./request-span.ts'));
}
