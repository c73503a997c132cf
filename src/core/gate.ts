// What a variant must hold to be released, what was measured of it, and whether it does. Words and one pure function.

/** Each bound that is set must hold against the reference variant. */
export interface Gate {
  /** The variant that the others are compared with. @default fp32 where there is one, else the first */
  readonly reference?: string;
  /** Least cosine of any sample's outputs. */
  readonly cosine?: number;
  /** Greatest difference of two elements. */
  readonly maxError?: number;
  /** Greatest length of the difference, as a part of the outputs'. */
  readonly relativeError?: number;
  /** Least share of rows whose greatest element is at the same place. */
  readonly argmax?: number;
  /** How much worse the task's metric may be: 0.005 is half a point. */
  readonly metricLoss?: number;
}

export interface Figures {
  readonly samples: number;
  readonly cosine: number;
  readonly maxError: number;
  readonly relativeError: number;
  readonly argmax: number;
  readonly metric?: MetricFigures;
}

export interface MetricFigures {
  readonly name: string;
  readonly better: 'higher' | 'lower';
  readonly value: number;
  /** 95 % of it. */
  readonly interval: readonly [low: number, high: number];
  /** The reference's on the same samples. */
  readonly reference: number;
  /** How much worse than the reference, 95 % of it: below 0 is better. */
  readonly loss: readonly [low: number, high: number];
}

/** Numbers differ between processors: a record holds for the kind that it was measured on. */
export interface Processor {
  readonly architecture: 'amd64' | 'arm64';
  readonly model: string;
  /** Instruction sets that onnxruntime's kernels choose by. */
  readonly features: readonly string[];
}

/** How much worse than the reference: positive is worse, whichever way the metric counts. */
export function lossOf({ better, value, reference }: MetricFigures): number {
  return better === 'higher' ? reference - value : value - reference;
}

/** Why the figures do not pass, one sentence a bound; none is a pass. */
export function gateFailures(gate: Gate, figures: Figures): string[] {
  const failures: string[] = [];
  const least = (name: string, bound: number | undefined, value: number) => {
    if (bound !== undefined && !(value >= bound)) failures.push(`${name} ${round(value)} is below ${bound}`);
  };
  const most = (name: string, bound: number | undefined, value: number) => {
    if (bound !== undefined && !(value <= bound)) failures.push(`${name} ${round(value)} is above ${bound}`);
  };
  least('cosine', gate.cosine, figures.cosine);
  least('argmax agreement', gate.argmax, figures.argmax);
  most('greatest error', gate.maxError, figures.maxError);
  most('relative error', gate.relativeError, figures.relativeError);
  if (gate.metricLoss !== undefined) {
    const { metric } = figures;
    if (metric) most(`loss of ${metric.name}`, gate.metricLoss, lossOf(metric));
    else failures.push('a bound of the metric, and samples without labels');
  }
  return failures;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
