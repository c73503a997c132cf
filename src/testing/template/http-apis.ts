// The HTTP APIs of a template, with those of their routes that go to functions which run here.
import { GlowplugError } from '../../core/errors.ts';
import type { HttpApiSpec } from '../http-api.ts';
import type { HttpRoute } from '../http-api-route.ts';
import type { FunctionSpec } from '../runtime/function-spec.ts';
import { readCors } from './function-url.ts';
import { type Deployment, Evaluator, type Stack } from './intrinsics.ts';
import { at, type Json, objectAt, resourcesOf } from './json.ts';

export interface ReadHttpApis {
  readonly apis: readonly HttpApiSpec[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

type Named = Pick<FunctionSpec, 'name' | 'functionName'>;

/** Of what is left out is said why. */
export function readHttpApis(stack: Stack, deployment: Deployment, functions: readonly Named[]): ReadHttpApis {
  const evaluator = new Evaluator(deployment, stack);
  const skipped: { name: string; reason: string }[] = [];
  const of = (type: string) =>
    resourcesOf(stack.template, `AWS::ApiGatewayV2::${type}`).map(([id, resource]) => {
      const value = (...path: string[]): Json | undefined => known(evaluator, at(resource, 'Properties', ...path));
      return { id, name: evaluator.evaluate({ Ref: id }), value };
    });
  const [routes, integrations, stages] = [of('Route'), of('Integration'), of('Stage')];
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
          const target = integrations.find(({ name }) => value('Target') === `integrations/${name}`);
          const route = readRoute(value, target?.value, functions);
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

type Value = (...path: string[]) => Json | undefined;

/** The route, or why there is none. */
function readRoute(value: Value, integration: Value | undefined, functions: readonly Named[]): HttpRoute | string {
  const auth = value('AuthorizationType') ?? 'NONE';
  if (auth !== 'NONE' && auth !== 'AWS_IAM') return `its authorizer is of type ${auth}, which is not known here`;
  if (integration?.('IntegrationType') !== 'AWS_PROXY') return 'it goes to no function';
  if (integration('PayloadFormatVersion') !== '2.0') return 'its payload format is not 2.0';
  const uri = `${integration('IntegrationUri')}`;
  const [, name, qualifier = '$LATEST'] = /:function:([\w-]+)(?::([\w$-]+))?/.exec(uri) ?? [];
  const target = functions.find((each) => each.functionName === name);
  if (!target) return 'its function does not run here';
  return { key: `${value('RouteKey')}`, auth, functionName: target.name, qualifier };
}

function reasonToSkipApi(protocol: Json | undefined, stage: Json | undefined): string | undefined {
  if (protocol !== 'HTTP') return `its protocol is ${protocol}, and only HTTP is known here`;
  return stage === '$default' ? undefined : `its stage is ${stage ?? 'none'}, and only $default is known here`;
}

/** What only AWS can know leaves a route out, and stops nothing else. */
function known(evaluator: Evaluator, value: Json | undefined): Json | undefined {
  try {
    return value === undefined ? undefined : evaluator.evaluate(value);
  } catch (error) {
    if (error instanceof GlowplugError) return undefined;
    throw error;
  }
}
