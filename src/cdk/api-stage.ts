// How an HTTP API is reached: how often, under which name, and what is written down of who asks.
import { RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  DomainName,
  HttpApi,
  type HttpApiProps,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ARecord, type IHostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets';
import type { Construct } from 'constructs';

export interface ApiStageProps {
  /**
   * Requests a second, of all callers together; what is over it is answered 429. HTTP APIs have no rate for each key.
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
  /** Of the access log. @default one month */
  readonly logRetention?: RetentionDays;
}

export interface ApiDomain {
  /** Such as `api.example.com`. */
  readonly name: string;
  /** In the API's region. */
  readonly certificate: ICertificate;
  /** Where its record is written. @default nowhere: point the name at `domainName.regionalDomainName` yourself */
  readonly hostedZone?: IHostedZone;
}

export interface ApiStage {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly domainName: DomainName | undefined;
  readonly accessLog: LogGroup;
  /** Without a slash at its end. */
  readonly url: string;
}

/** An HTTP API with one stage, and no routes yet. */
export function apiStage(
  scope: Construct,
  { rateLimit = 100, burstLimit = 2 * rateLimit, domain, logRetention = RetentionDays.ONE_MONTH }: ApiStageProps,
  more: Pick<HttpApiProps, 'corsPreflight'> & { readonly stageVariables?: Record<string, string> } = {},
): ApiStage {
  const { stageVariables, ...cors } = more;
  const api = new HttpApi(scope, 'Api', {
    createDefaultStage: false,
    disableExecuteApiEndpoint: domain !== undefined,
    ...cors,
  });
  const domainName =
    domain && new DomainName(scope, 'Domain', { domainName: domain.name, certificate: domain.certificate });
  const accessLog = new LogGroup(scope, 'AccessLog', {
    retention: logRetention,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const stage = new HttpStage(scope, 'Stage', {
    httpApi: api,
    stageName: '$default',
    autoDeploy: true,
    throttle: { rateLimit, burstLimit },
    ...(stageVariables ? { stageVariables } : {}),
    accessLogSettings: {
      destination: new LogGroupLogDestination(accessLog),
      format: AccessLogFormat.custom(JSON.stringify(logged)),
    },
    ...(domainName ? { domainMapping: { domainName } } : {}),
  });
  if (domainName && domain?.hostedZone) {
    const { regionalDomainName, regionalHostedZoneId } = domainName;
    new ARecord(scope, 'Record', {
      zone: domain.hostedZone,
      // With a dot at its end a name is whole: the zone's is not put behind it.
      recordName: `${domain.name}.`,
      target: RecordTarget.fromAlias(new ApiGatewayv2DomainProperties(regionalDomainName, regionalHostedZoneId)),
    });
  }
  return { api, stage, domainName, accessLog, url: domain ? `https://${domain.name}` : api.apiEndpoint };
}

/** A line of the access log. `caller` is an IAM ARN, `subject` a token's, `key` the beginning of a key's SHA-256. */
const logged = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  caller: '$context.identity.userArn',
  subject: '$context.authorizer.claims.sub',
  key: '$context.authorizer.keyId',
  route: '$context.routeKey',
  status: '$context.status',
  bytes: '$context.responseLength',
  ms: '$context.responseLatency',
  functionMs: '$context.integrationLatency',
  error: '$context.integrationErrorMessage',
};
