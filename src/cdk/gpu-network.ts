// The network of an endpoint that is given none: two zones, one way out, and the store without it.
import { RemovalPolicy } from 'aws-cdk-lib';
import { FlowLogDestination, GatewayVpcEndpointAwsService, Vpc } from 'aws-cdk-lib/aws-ec2';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

export function gpuNetwork(scope: Construct): Vpc {
  const vpc = new Vpc(scope, 'Vpc', { maxAzs: 2, natGateways: 1 });
  vpc.addGatewayEndpoint('Store', { service: GatewayVpcEndpointAwsService.S3 });
  const logs = new LogGroup(scope, 'FlowLogs', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  vpc.addFlowLog('Flow', { destination: FlowLogDestination.toCloudWatchLogs(logs) });
  return vpc;
}
