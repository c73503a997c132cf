// The golden samples against one version of a function: what it answers otherwise than it should.
import type { FunctionUrlEvent, FunctionUrlResult } from '../../adapters/function-url.ts';
import { difference, type Golden } from '../../testing/samples.ts';

/** As the construct writes it beside the hook. */
export interface PackedSample {
  readonly name: string;
  readonly contentType: string;
  readonly base64: string;
  readonly golden: Golden;
}

/** One after the other: the version is cold, and what it is like under load is the alarms' matter. Never rejects. */
export async function trySamples(
  samples: readonly PackedSample[],
  invoke: (event: FunctionUrlEvent) => Promise<FunctionUrlResult>,
): Promise<string[]> {
  const problems: string[] = [];
  for (const { name, contentType, base64, golden } of samples) {
    try {
      const { statusCode, body, isBase64Encoded } = await invoke({
        version: '2.0',
        rawPath: '/',
        headers: { 'content-type': contentType },
        requestContext: { http: { method: 'POST' } },
        body: base64,
        isBase64Encoded: true,
      });
      const text = isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
      const found =
        statusCode === golden.status
          ? difference(golden.body, JSON.parse(text), golden.tolerance)
          : `expected status ${golden.status}, got ${statusCode}`;
      if (found) problems.push(`${name}: ${found}`);
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return problems;
}
