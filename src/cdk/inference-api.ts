// One HTTP API before several functions: each answers below its name, at the paths that its own URL has.
import { Annotations, CfnOutput, Duration, Validations } from 'aws-cdk-lib';
import {
  CorsHttpMethod,
  type DomainName,
  type HttpApi,
  type HttpStage,
  type IHttpRouteAuthorizer,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';
import { type ApiAuth, authorizerOf } from './api-auth.ts';
import { apiMethods, grantPaths } from './api-paths.ts';
import { type ApiStageProps, apiStage } from './api-stage.ts';
import type { InferenceFunction } from './inference-function.ts';
import { mustBeNamed } from './must-be-named.ts';

export interface InferenceApiProps extends ApiStageProps {
  /** Name in the path → function: `{ iris }` answers at `/iris` and below. Lower-case letters, digits and hyphens. */
  readonly functions: Readonly<Record<string, InferenceFunction>>;
  /**
   * Who may call: whoever IAM allows, has a key (in `x-api-key`) or a token, or everybody. `'key'` makes a secret with one key;
   * `{ keys }` takes one of your own. A key that is taken out of it is refused after five minutes at most.
   * @default iam
   */
  readonly auth?: ApiAuth;
  /**
   * Origins whose pages may call it, such as `https://app.example.com`, or `*`.
   * @default none
   */
  readonly cors?: readonly string[];
}

/**
 * An API Gateway HTTP API. It sends an answer whole, of at most 6 MB, within 30 seconds: functions that stream have their URL.
 *
 * @example
 * const api = new InferenceApi(this, 'Api', { functions: { iris, ocr } });
 * api.grantInvoke(role, 'iris');
 */
export class InferenceApi extends Construct {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly domainName: DomainName | undefined;
  readonly accessLog: LogGroup;
  /** Of an API that asks for one. */
  readonly apiKeys: ISecret | Secret | undefined;
  /** What API Gateway asks about a key: while it fails, nobody new comes in. */
  readonly authorizer: LambdaFunction | undefined;
  /** Without a slash at its end: `<url>/iris/v2/health/ready`. */
  readonly url: string;
  readonly #names: readonly string[];

  /** @throws GlowplugError CONFIG_INVALID for a name that no path has, and for a function that streams */
  constructor(scope: Construct, id: string, props: InferenceApiProps) {
    super(scope, id);
    const { auth = 'iam', cors } = props;
    this.#names = Object.keys(props.functions);
    mustBeNamed(props.functions, 'an HTTP API');
    for (const of of Object.values(props.functions)) warnOfWait(of);
    const { authorizer, keys, headers } = authorizerOf(this, auth, Object.values(props.functions)[0]?.root);
    this.apiKeys = keys?.secret;
    this.authorizer = keys?.asked;
    const made = apiStage(this, props, {
      // How a function knows that the path before its own is this API's, and not one that it answers at.
      stageVariables: { glowplugRoutes: 'named' },
      ...(cors ? { corsPreflight: preflight(cors, headers) } : {}),
    });
    ({
      api: this.api,
      stage: this.stage,
      domainName: this.domainName,
      accessLog: this.accessLog,
      url: this.url,
    } = made);
    for (const [name, of] of Object.entries(props.functions)) this.#route(name, of, authorizer);
    if (auth === 'none') this.#explainNobody();
    if (keys) {
      const description = 'aws secretsmanager get-secret-value --query SecretString --output text --secret-id';
      new CfnOutput(this, 'ApiKeysArn', { value: keys.secret.secretArn, description });
    }
  }

  /** Lets someone call the functions of these names, and no others. Of use with `auth: 'iam'`. */
  grantInvoke(grantee: IGrantable, ...names: readonly string[]): void {
    for (const name of names.filter((each) => !this.#names.includes(each))) {
      throw new GlowplugError('CONFIG_INVALID', `expected one of ${this.#names.join(', ')}, got ${name}`);
    }
    const paths = names.flatMap((name) => [`/${name}`, `/${name}/*`]);
    grantPaths(this.api, grantee, paths, 'The wildcard stays below one function of the API.');
  }

  #route(name: string, of: InferenceFunction, authorizer: IHttpRouteAuthorizer): void {
    const integration = new HttpLambdaIntegration(name, of.target, { scopePermissionToRoute: false });
    for (const path of [`/${name}`, `/${name}/{proxy+}`]) {
      this.api.addRoutes({ path, methods: apiMethods, integration, authorizer });
    }
  }

  #explainNobody(): void {
    for (const child of this.api.node.children) {
      Validations.of(child).acknowledge({
        id: 'AwsSolutions-APIG4',
        reason: "The app's owner chose auth: 'none'; the functions ask for a key, or are for everybody.",
      });
    }
  }
}

/** The most that API Gateway waits. */
const longest = Duration.seconds(30);

function warnOfWait(of: InferenceFunction): void {
  const { timeout } = of.function;
  if (timeout && timeout.toSeconds() > longest.toSeconds()) {
    Annotations.of(of).addWarningV2(
      'glowplug:api-timeout',
      `An HTTP API waits ${longest.toSeconds()} s, the function may take ${timeout.toSeconds()}: longer answers are lost, and paid for.`,
    );
  }
}

function preflight(origins: readonly string[], headers: readonly string[]) {
  return {
    allowOrigins: [...origins],
    allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.HEAD, CorsHttpMethod.POST],
    allowHeaders: ['content-type', 'authorization', 'prefer', 'inference-header-content-length', ...headers],
    exposeHeaders: ['inference-header-content-length', 'x-glowplug-model', 'location', 'retry-after'],
    maxAge: Duration.hours(1),
  };
}
