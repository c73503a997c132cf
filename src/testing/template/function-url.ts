// The function URL of a template's function: who may call it, how it answers, for pages of which origins.
import type { FunctionUrl, UrlCors } from '../runtime/function-spec.ts';
import type { Evaluator, Stack } from './intrinsics.ts';
import { at, isObject, type Json, listAt, referredBy, resourcesOf, stringAt } from './json.ts';

export function readUrl(id: string, stack: Stack, evaluator: Evaluator): FunctionUrl | undefined {
  for (const [, resource] of resourcesOf(stack.template, 'AWS::Lambda::Url')) {
    const target = at(resource, 'Properties', 'TargetFunctionArn');
    if (stringAt(target, 'Ref') !== id && referredBy(target) !== id) continue;
    const evaluated = (name: string) => evaluator.evaluate(at(resource, 'Properties', name) ?? null);
    return {
      auth: evaluated('AuthType') === 'NONE' ? 'NONE' : 'AWS_IAM',
      invokeMode: evaluated('InvokeMode') === 'RESPONSE_STREAM' ? 'RESPONSE_STREAM' : 'BUFFERED',
      ...readCors(evaluated('Cors')),
      ...readQualifier(evaluated('Qualifier')),
    };
  }
  return undefined;
}

function readQualifier(qualifier: Json | undefined): { qualifier?: string } {
  return typeof qualifier === 'string' ? { qualifier } : {};
}

/** Of an HTTP API, too. */
export function readCors(cors: Json | undefined): { cors?: UrlCors } {
  if (!isObject(cors)) return {};
  const list = (name: string) => listAt(cors, name).map(String);
  return {
    cors: {
      allowOrigins: list('AllowOrigins'),
      allowMethods: list('AllowMethods'),
      allowHeaders: list('AllowHeaders'),
      exposeHeaders: list('ExposeHeaders'),
      allowCredentials: at(cors, 'AllowCredentials') === true,
      maxAge: Number(at(cors, 'MaxAge') ?? 0),
    },
  };
}
