// One HTTP API before several functions: each answers below its name, at the paths that its own URL has.
import { Annotations, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CorsHttpMethod,
  DomainName,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpStage,
  type IHttpRouteAuthorizer,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ARecord, type IHostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';
import { explainAtSynth } from './explain.ts';
import type { InferenceFunction } from './inference-function.ts';

export interface InferenceApiProps {
  /** Name in the path → function: `{ iris }` answers at `/iris` and below. Lower-case letters, digits and hyphens. */
  readonly functions: Readonly<Record<string, InferenceFunction>>;
  /**
   * Who may call: whoever IAM allows, whoever has a token, or everybody. For everybody, let the functions ask for a key.
   * @default iam
   */
  readonly auth?: 'iam' | 'none' | JwtAuth;
  /**
   * Requests a second, of all callers together; what is over it is answered 429.
   * @default 100
   */
  readonly rateLimit?: number;
  /**
   * Requests at once beyond the rate.
   * @default twice the rate
   */
  readonly burstLimit?: number;
  /**
   * A name of your own. The one that AWS gives does not answer then.
   * @default AWS's
   */
  readonly domain?: ApiDomain;
  /**
   * Origins whose pages may call it, such as `https://app.example.com`, or `*`.
   * @default none
   */
  readonly cors?: readonly string[];
  /** Of the access log. @default one month */
  readonly logRetention?: RetentionDays;
}

export interface JwtAuth {
  /** Whose tokens are taken: `https://cognito-idp.<region>.amazonaws.com/<pool>` for one of Cognito. */
  readonly issuer: string;
  readonly audience: readonly string[];
  /** One of which the token must have. @default none is asked for */
  readonly scopes?: readonly string[];
}

export interface ApiDomain {
  /** Such as `api.example.com`. */
  readonly name: string;
  /** In the API's region. */
  readonly certificate: ICertificate;
  /** Where its record is written. @default nowhere: point the name at `domainName.regionalDomainName` yourself */
  readonly hostedZone?: IHostedZone;
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
  /** Without a slash at its end: `<url>/iris/v2/health/ready`. */
  readonly url: string;
  readonly #names: readonly string[];

  /** @throws GlowplugError CONFIG_INVALID for a name that no path has, and for a function that streams */
  constructor(scope: Construct, id: string, props: InferenceApiProps) {
    super(scope, id);
    const { auth = 'iam', rateLimit = 100, domain, cors } = props;
    this.#names = Object.keys(props.functions);
    for (const [name, of] of Object.entries(props.functions)) mustAnswerHere(name, of);
    this.api = new HttpApi(this, 'Api', {
      createDefaultStage: false,
      disableExecuteApiEndpoint: domain !== undefined,
      ...(cors ? { corsPreflight: preflight(cors, auth) } : {}),
    });
    const authorizer = authorizerOf(auth);
    for (const [name, of] of Object.entries(props.functions)) this.#route(name, of, authorizer);
    this.domainName =
      domain && new DomainName(this, 'Domain', { domainName: domain.name, certificate: domain.certificate });
    this.accessLog = new LogGroup(this, 'AccessLog', {
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit, burstLimit: props.burstLimit ?? 2 * rateLimit },
      // How a function knows that the path before its own is this API's, and not one that it answers at.
      stageVariables: { glowplugRoutes: 'named' },
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.accessLog),
        format: AccessLogFormat.custom(JSON.stringify(logged)),
      },
      ...(this.domainName ? { domainMapping: { domainName: this.domainName } } : {}),
    });
    if (this.domainName && domain?.hostedZone) this.#record(this.domainName, domain.name, domain.hostedZone);
    this.url = domain ? `https://${domain.name}` : this.api.apiEndpoint;
    if (auth === 'none') this.#explainNobody();
  }

  /** Lets someone call the functions of these names, and no others. Of use with `auth: 'iam'`. */
  grantInvoke(grantee: IGrantable, ...names: readonly string[]): void {
    for (const name of names.filter((each) => !this.#names.includes(each))) {
      throw new GlowplugError('CONFIG_INVALID', `expected one of ${this.#names.join(', ')}, got ${name}`);
    }
    // IAM's * crosses slashes: a wildcard for stage or method would allow `/<another>/<name>` too.
    const arns = names
      .flatMap((name) => [`/${name}`, `/${name}/*`])
      .flatMap((path) => methods.map((method) => this.api.arnForExecuteApi(method, path, '$default')));
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['execute-api:Invoke'], resources: arns }),
    );
    if (!Construct.isConstruct(grantee)) return;
    const wide = arns.filter((each) => each.endsWith('*'));
    explainAtSynth(grantee, () => wide, 'The wildcard stays below one function of the API.');
  }

  #route(name: string, of: InferenceFunction, authorizer: IHttpRouteAuthorizer): void {
    const integration = new HttpLambdaIntegration(name, of.target, { scopePermissionToRoute: false });
    for (const path of [`/${name}`, `/${name}/{proxy+}`]) {
      this.api.addRoutes({ path, methods, integration, authorizer });
    }
  }

  #record(domainName: DomainName, name: string, zone: IHostedZone): void {
    const { regionalDomainName, regionalHostedZoneId } = domainName;
    new ARecord(this, 'Record', {
      zone,
      // With a dot at its end a name is whole: the zone's is not put behind it.
      recordName: `${name}.`,
      target: RecordTarget.fromAlias(new ApiGatewayv2DomainProperties(regionalDomainName, regionalHostedZoneId)),
    });
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

/** Not ANY: that would take a page's OPTIONS, which carries no signature, from what answers it. */
const methods = [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST];
/** The most that API Gateway waits. */
const longest = Duration.seconds(30);
/** A line of the access log. `caller` is an IAM ARN, `subject` a token's. */
const logged = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  caller: '$context.identity.userArn',
  subject: '$context.authorizer.claims.sub',
  route: '$context.routeKey',
  status: '$context.status',
  bytes: '$context.responseLength',
  ms: '$context.responseLatency',
  functionMs: '$context.integrationLatency',
  error: '$context.integrationErrorMessage',
};

function mustAnswerHere(name: string, of: InferenceFunction): void {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) {
    const expected = 'lower-case letters, digits and hyphens';
    throw new GlowplugError('CONFIG_INVALID', `expected a function's name in the API to be ${expected}, got ${name}`);
  }
  if (of.streaming) {
    throw new GlowplugError('CONFIG_INVALID', `expected functions that answer whole, got ${name}, which streams`, {
      remedy: 'An HTTP API does not stream: call the function at its URL, or leave out `streaming`.',
    });
  }
  const { timeout } = of.function;
  if (timeout && timeout.toSeconds() > longest.toSeconds()) {
    Annotations.of(of).addWarningV2(
      'glowplug:api-timeout',
      `An HTTP API waits ${longest.toSeconds()} s, the function may take ${timeout.toSeconds()}: longer answers are lost, and paid for.`,
    );
  }
}

function authorizerOf(auth: 'iam' | 'none' | JwtAuth): IHttpRouteAuthorizer {
  if (auth === 'iam') return new HttpIamAuthorizer();
  if (auth === 'none') return new HttpNoneAuthorizer();
  const jwt = new HttpJwtAuthorizer('Jwt', auth.issuer, { jwtAudience: [...auth.audience] });
  const { scopes } = auth;
  if (!scopes) return jwt;
  return { bind: (options) => ({ ...jwt.bind(options), authorizationScopes: [...scopes] }) };
}

function preflight(origins: readonly string[], auth: 'iam' | 'none' | JwtAuth) {
  const signed = auth === 'iam' ? ['x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'] : [];
  return {
    allowOrigins: [...origins],
    allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.HEAD, CorsHttpMethod.POST],
    allowHeaders: ['content-type', 'authorization', 'prefer', 'inference-header-content-length', ...signed],
    exposeHeaders: ['inference-header-content-length', 'x-glowplug-model', 'location', 'retry-after'],
    maxAge: Duration.hours(1),
  };
}
