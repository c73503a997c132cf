// What AWS asks, in US dollars, for us-east-1, on demand, without free tiers and savings plans. One file, so that one date is true.
// Sources: aws.amazon.com/lambda/pricing, /ec2/pricing/on-demand, /sagemaker/ai/pricing, /elasticloadbalancing/pricing.

/** By itself: each function's bundle has it, and nothing of the rest. */
export const lambdaPrices = {
  /** Of a GB-second. The first 6 billion a month; what comes after is cheaper. */
  gbSecond: { x86_64: 0.0000166667, arm64: 0.0000133334 },
  request: 0.2 / 1e6,
  provisioned: {
    /** Of a GB-second that stands by. */
    gbSecond: { x86_64: 0.0000041667, arm64: 0.0000033334 },
    /** Of one that runs. */
    runGbSecond: { x86_64: 0.0000097222, arm64: 0.0000077778 },
  },
};

export const prices = {
  asOf: '2026-11',
  region: 'us-east-1',
  lambda: lambdaPrices,
  managedInstances: {
    instance: { x86_64: 'c7i.xlarge', arm64: 'c7g.xlarge' },
    vcpus: 4,
    hour: { x86_64: 0.1785, arm64: 0.145 },
    /** On top of the instance's price. */
    fee: 0.15,
    request: 0.2 / 1e6,
    /** Lambda keeps one in each of three zones. */
    least: 3,
  },
  /** What GpuEndpoint takes where it is told of no other. */
  gpu: { instance: 'g6.xlarge', hour: 0.805 },
  sagemaker: { instance: 'ml.g6.xlarge', hour: 1.127 },
  balancerHour: 0.0225,
  natHour: 0.045,
} as const;

export type Prices = typeof prices;
