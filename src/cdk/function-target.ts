// A function as the target of a load balancer's rule, which target groups of this account alone may call. CDK's own LambdaTarget
// lets every load balancer of every account call it.
import { Aws } from 'aws-cdk-lib';
import { type IApplicationLoadBalancerTarget, TargetType } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';

export function functionTarget(fn: IFunction): IApplicationLoadBalancerTarget {
  return {
    attachToApplicationTargetGroup(group) {
      // Not this group's ARN: a group tries its target when it is made, so that the permission comes before it.
      const groups = `arn:${Aws.PARTITION}:elasticloadbalancing:${Aws.REGION}:${Aws.ACCOUNT_ID}:targetgroup/*`;
      const conditions = { ArnLike: { 'aws:SourceArn': groups } };
      const grant = fn.grantInvoke(new ServicePrincipal('elasticloadbalancing.amazonaws.com', { conditions }));
      grant.applyBefore(group);
      return { targetType: TargetType.LAMBDA, targetJson: { id: fn.functionArn } };
    },
  };
}
