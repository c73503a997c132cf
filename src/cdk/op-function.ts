// One of glowplug's own small functions (src/ops) with its log and a role that may write it, and nothing else yet.
import { AssetHashType, type Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IVpc, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, CfnFunction, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { bundleOp } from '../build/bundle-op.ts';
import { explainWildcard } from './explain.ts';
import { networkActions } from './function-role.ts';

export interface OpFunctionProps {
  readonly op: Parameters<typeof bundleOp>[0];
  readonly description: string;
  readonly timeout: Duration;
  readonly environment?: Readonly<Record<string, string>>;
  /** What the local cloud calls it, where it runs it. @default it does not: it serves deployments on AWS */
  readonly runsAs?: string;
  /** Lie beside its handler. */
  readonly files?: Readonly<Record<string, string>>;
  /** Where what it asks can be reached. @default nowhere of its own: it reaches what the internet does */
  readonly network?: { readonly vpc: IVpc; readonly securityGroup: SecurityGroup };
  readonly root?: string;
}

export function opFunction(scope: Construct, id: string, props: OpFunctionProps): LambdaFunction {
  const { op, root, files, description, timeout, environment, runsAs, network } = props;
  const bundle = bundleOp(op, { ...(root ? { root } : {}), ...(files ? { files } : {}) });
  const logGroup = new LogGroup(scope, `${id}Logs`, {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  if (network) mayJoin(role);
  const made = new LambdaFunction(scope, id, {
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    handler: 'index.handler',
    code: Code.fromAsset(bundle.path, { assetHash: bundle.digest, assetHashType: AssetHashType.CUSTOM }),
    description,
    timeout,
    memorySize: 256,
    logGroup,
    role,
    ...(environment ? { environment } : {}),
    ...(network ? { vpc: network.vpc, securityGroups: [network.securityGroup] } : {}),
  });
  const resource = made.node.defaultChild;
  const [key, value] = runsAs === undefined ? ['glowplug:op', op] : ['glowplug:function', runsAs];
  if (resource instanceof CfnFunction) resource.addMetadata(key, value);
  return made;
}

function mayJoin(role: Role): void {
  role.addToPolicy(new PolicyStatement({ actions: networkActions, resources: ['*'] }));
  explainWildcard(role, '*', 'Lambda makes the network interfaces by this role: EC2 knows no name to limit them by.');
}
