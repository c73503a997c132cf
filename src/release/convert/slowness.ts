// Whether what was exported is slower than where it came from, and what of it may be why.

/** Milliseconds of a run over the same samples, the middle one; each with all the threads that it takes by itself. */
export interface Speed {
  readonly framework: number;
  readonly onnxruntime: number;
}

/** What two measurements of the same may differ by on a machine that does other things, too. */
const NOISE = { times: 1.5, milliseconds: 1 };
const CONTROL = ['Loop', 'Scan', 'If'];

/** A sentence with what to do; undefined where it is not slower. `operators`: how often each stands in the model. */
export function slowness(
  { framework, onnxruntime }: Speed,
  title: string,
  operators: Readonly<Record<string, number>>,
): string | undefined {
  if (onnxruntime <= NOISE.times * framework + NOISE.milliseconds) return undefined;
  const control = CONTROL.filter((name) => operators[name]).map((name) => `${operators[name]} ${name}`);
  const nodes = Object.values(operators).reduce((sum, count) => sum + count, 0);
  const why = [
    ...(control.length > 0 ? [`${control.join(', ')}: loops of small steps; export with fixed lengths (--input)`] : []),
    ...(nodes > 500 ? [`${nodes} nodes: glowplug optimize fuses and folds them`] : []),
    'glowplug optimize measures smaller and faster variants',
  ];
  return `slower than ${title}: ${onnxruntime.toPrecision(3)} ms a run, there ${framework.toPrecision(3)} ms. Look at: ${why.join('; ')}.`;
}
