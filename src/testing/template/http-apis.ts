// The HTTP APIs of a template, with those of their routes that go to functions which run here.
import type { HttpApiSpec } from '../http-api.ts';
import type { HttpRoute } from '../http-api-route.ts';
import { readCors } from './function-url.ts';
import type { Deployment, Stack } from './intrinsics.ts';
import { type Json, objectAt } from './json.ts';
import { functionIn, type Named, type ReadResource, readResources, type Skipped } from './read-resources.ts';

export interface ReadHttpApis {
  readonly apis: readonly HttpApiSpec[];
  readonly skipped: readonly Skipped[];
}

/** Of what is left out is said why. */
export function readHttpApis(stack: Stack, deployment: Deployment, functions: readonly Named[]): ReadHttpApis {
  const skipped: Skipped[] = [];
  const of = (type: string) => readResources(stack, deployment, `AWS::ApiGatewayV2::${type}`);
  const [routes, stages] = [of('Route'), of('Stage')];
  const targets = { integrations: of('Integration'), authorizers: of('Authorizer'), functions };
  const apis = of('Api').flatMap((api): HttpApiSpec[] => {
    const stage = stages.find(({ value }) => value('ApiId') === api.name);
    const stageName = stage?.value('StageName');
    const reason = reasonToSkipApi(api.value('ProtocolType'), stageName);
    if (reason !== undefined) {
      skipped.push({ name: api.id, reason });
      return [];
    }
    const own = routes.filter(({ value }) => value('ApiId') === api.name);
    const rate = stage?.value('DefaultRouteSettings', 'ThrottlingRateLimit');
    const burst = stage?.value('DefaultRouteSettings', 'ThrottlingBurstLimit');
    const variables = Object.entries(objectAt(stage?.value('StageVariables') ?? null));
    return [
      {
        id: api.id,
        routes: own.flatMap(({ id, value }) => {
          const route = readRoute(value, targets);
          if (typeof route !== 'string') return [route];
          skipped.push({ name: id, reason: route });
          return [];
        }),
        stageVariables: Object.fromEntries(variables.map(([name, each]) => [name, `${each}`])),
        ...(rate === undefined ? {} : { throttle: { rate: Number(rate), burst: Number(burst ?? rate) } }),
        ...readCors(api.value('CorsConfiguration')),
      },
    ];
  });
  return { apis, skipped };
}

interface Targets {
  readonly integrations: readonly ReadResource[];
  readonly authorizers: readonly ReadResource[];
  readonly functions: readonly Named[];
}

/** The route, or why there is none. */
function readRoute(
  value: ReadResource['value'],
  { integrations, authorizers, functions }: Targets,
): HttpRoute | string {
  const integration = integrations.find(({ name }) => value('Target') === `integrations/${name}`);
  const authorizer = authorizers.find(({ name }) => value('AuthorizerId') === name);
  const auth = readAuth(value('AuthorizationType') ?? 'NONE', authorizer, functions);
  if (typeof auth === 'object' && 'reason' in auth) return auth.reason;
  if (integration?.value('IntegrationType') !== 'AWS_PROXY') return 'it goes to no function';
  if (integration.value('PayloadFormatVersion') !== '2.0') return 'its payload format is not 2.0';
  const target = functionIn(integration.value('IntegrationUri'), functions);
  if (!target) return 'its function does not run here';
  return { key: `${value('RouteKey')}`, auth, ...target };
}

function readAuth(
  type: Json,
  authorizer: ReadResource | undefined,
  functions: readonly Named[],
): HttpRoute['auth'] | { readonly reason: string } {
  if (type === 'NONE' || type === 'AWS_IAM') return type;
  if (type !== 'CUSTOM' || !authorizer) return { reason: `its authorizer is of type ${type}, which is not known here` };
  const { id, value } = authorizer;
  if (value('AuthorizerPayloadFormatVersion') !== '2.0' || value('EnableSimpleResponses') !== true) {
    return { reason: 'its authorizer gives no simple responses of format 2.0, which alone are known here' };
  }
  const sources = value('IdentitySource');
  const headers = (Array.isArray(sources) ? sources : []).map(
    (each) => /^\$request\.header\.(.+)$/.exec(`${each}`)?.[1],
  );
  const named = headers.flatMap((each) => each?.toLowerCase() ?? []);
  if (named.length === 0 || named.length < headers.length) {
    return { reason: 'its authorizer knows who asks by something else than headers' };
  }
  const target = functionIn(value('AuthorizerUri'), functions);
  if (!target) return { reason: 'its authorizer’s function does not run here' };
  return { id, ...target, headers: named, seconds: Number(value('AuthorizerResultTtlInSeconds') ?? 300) };
}

function reasonToSkipApi(protocol: Json | undefined, stage: Json | undefined): string | undefined {
  if (protocol !== 'HTTP') return `its protocol is ${protocol}, and only HTTP is known here`;
  return stage === '$default' ? undefined : `its stage is ${stage ?? 'none'}, and only $default is known here`;
}
