// Which methods and paths an API of ours answers, and the permission to call some of them.
import { type HttpApi, HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { explainAtSynth } from './explain.ts';

/** Not ANY: that would take a page's OPTIONS, which carries no signature, from what answers it. */
export const apiMethods = [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST];

/** Lets someone call these paths by IAM; a `*` at the end is everything below. */
export function grantPaths(api: HttpApi, grantee: IGrantable, paths: readonly string[], why: string): void {
  // IAM's * crosses slashes: a wildcard for stage or method would allow `/<another>/<name>` too.
  const arns = paths.flatMap((path) => apiMethods.map((method) => api.arnForExecuteApi(method, path, '$default')));
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({ actions: ['execute-api:Invoke'], resources: arns }),
  );
  if (!Construct.isConstruct(grantee)) return;
  const wide = arns.filter((each) => each.endsWith('*'));
  explainAtSynth(grantee, () => wide, why);
}
