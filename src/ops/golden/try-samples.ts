// The golden samples against one version of a function: what it answers otherwise than it should.
import type { RestEvent, RestResult } from '../../adapters/api-gateway.ts';
import { answerBody, difference, type Golden } from '../../testing/samples.ts';

/** As the construct writes it beside the hook. */
export interface PackedSample {
  readonly name: string;
  readonly contentType: string;
  readonly base64: string;
  readonly golden: Golden;
}

/**
 * One after the other: the version is cold, and what it is like under load is the alarms' matter. As a REST API asks, because it is
 * answered whole by a function whose URL streams, too. Never rejects.
 */
export async function trySamples(
  samples: readonly PackedSample[],
  invoke: (event: RestEvent) => Promise<RestResult>,
): Promise<string[]> {
  const problems: string[] = [];
  for (const { name, contentType, base64, golden } of samples) {
    try {
      const { statusCode, multiValueHeaders, body, isBase64Encoded } = await invoke({
        httpMethod: 'POST',
        path: '/',
        headers: { 'content-type': contentType },
        requestContext: { stage: 'golden' },
        body: base64,
        isBase64Encoded: true,
      });
      const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
      const type = multiValueHeaders['content-type']?.[0] ?? '';
      const found =
        statusCode === golden.status
          ? difference(golden.body, answerBody(type, bytes), golden.tolerance)
          : `expected status ${golden.status}, got ${statusCode}`;
      if (found) problems.push(`${name}: ${found}`);
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return problems;
}
