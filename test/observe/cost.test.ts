// What a function costs: each figure reckoned again by hand.
import { describe, expect, it } from 'vitest';
import { breakEven, estimateCosts, readTraffic } from '../../src/observe/cost.ts';
import { prices } from '../../src/observe/prices.ts';

const size = { name: 'ocr', architecture: 'x86_64', memoryMb: 2048 } as const;
const traffic = readTraffic({ requestsPerMonth: 1_000_000, ms: 500, coldShare: 0, peakPerSecond: 4 }, 'ocr');
const dollars = (host: string, given = traffic, of: Parameters<typeof estimateCosts>[0] = size) =>
  estimateCosts(of, given, prices).find((cost) => cost.host === host)!.dollars;

describe('the cost of a function', () => {
  it('on Lambda is requests, and GB-seconds that include cold starts', () => {
    // 1 M × 0.5 s × 2 GB = 1 M GB-s.
    expect(dollars('lambda')).toBeCloseTo(0.2 + 16.6667, 3);
    expect(dollars('lambda', { ...traffic, coldShare: 0.1, coldMs: 1000 })).toBeCloseTo(0.2 + 16.6667 * 1.2, 3);
    expect(dollars('lambda', traffic, { ...size, architecture: 'arm64' })).toBeCloseTo(0.2 + 13.3334, 3);
  });

  it('provisioned is paid for the busiest second, all month', () => {
    // 4 a second of half a second: 2 environments of 2 GB.
    expect(dollars('provisioned')).toBeCloseTo(0.2 + 4 * 730 * 3600 * 0.0000041667 + 1e6 * 0.0000097222, 2);
  });

  it('on instances is as many as the busiest second needs, and no fewer than there are', () => {
    expect(dollars('managed')).toBeCloseTo(0.2 + 3 * 730 * 0.1785 * 1.15, 2);
    // 40 a second of half a second: 20 at once, on 4 vCPUs at 70 % each: 8 instances.
    expect(dollars('managed', { ...traffic, peakPerSecond: 40 })).toBeCloseTo(0.2 + 8 * 730 * 0.1785 * 1.15, 2);
    expect(dollars('ecs-gpu')).toBeCloseTo(730 * (3 * 0.805 + 0.0225 + 0.045), 2);
    expect(dollars('ecs-gpu', { ...traffic, gpuMs: 20 })).toBeCloseTo(730 * (0.805 + 0.0225 + 0.045), 2);
    expect(dollars('lambda-gpu', { ...traffic, gpuMs: 20 })).toBeCloseTo(0.2 + 730 * (0.805 * 1.15 + 0.045), 2);
    expect(dollars('sagemaker', { ...traffic, gpuMs: 20 })).toBeCloseTo(730 * 1.127, 2);
  });

  it('of a GPU while nobody asks is what stands beside it', () => {
    const idle = Object.fromEntries(estimateCosts(size, traffic, prices).map((cost) => [cost.host, cost.idle]));
    expect(idle['ecs-gpu']).toBeCloseTo(730 * (0.0225 + 0.045), 2);
    expect(idle['lambda-gpu']).toBeCloseTo(730 * 0.045, 2);
    expect(idle).toMatchObject({ sagemaker: 0, managed: undefined, provisioned: undefined });
  });

  it('without a function’s memory is that of the GPUs alone', () => {
    const of = (given: typeof size | undefined) => estimateCosts(given, traffic, prices);
    const gpus = ['ecs-gpu', 'lambda-gpu', 'sagemaker'];
    expect(of(undefined)).toEqual(of(size).filter(({ host }) => gpus.includes(host)));
  });

  it('names the cheapest first, and the traffic from which a GPU is', () => {
    expect(estimateCosts(size, traffic, prices)[0]?.host).toBe('lambda');
    const from = breakEven(size, traffic, prices);
    const at = (requestsPerMonth: number) => ({ ...traffic, requestsPerMonth, peakPerSecond: 1, gpuMs: 20 });
    expect(dollars('lambda', at(from))).toBeGreaterThanOrEqual(dollars('ecs-gpu', at(from)));
    expect(dollars('lambda', at(from - 1000))).toBeLessThan(dollars('ecs-gpu', at(from - 1000)));
  });

  it.each([
    [7, 'ocr: expected an object with requestsPerMonth and ms, got 7'],
    [{ ms: 5 }, 'ocr.requestsPerMonth: expected a number from 0 on, got undefined'],
    [{ requestsPerMonth: 5, ms: -1 }, 'ocr.ms: expected a number from 0 on, got -1'],
    [{ requestsPerMonth: 5, ms: 1, coldShare: 3 }, 'ocr.coldShare: expected a part from 0 to 1, got 3'],
    [{ requestsPerMonth: 5, ms: 1, memory: 3 }, 'ocr: expected one of requestsPerMonth, ms,'],
  ])('refuses the traffic %j', (value, message) => {
    expect(() => readTraffic(value, 'ocr')).toThrow(message);
  });
});
