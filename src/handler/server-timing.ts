// How long each verb of a request took, as browsers' tools read it (W3C Server Timing).

export interface ServerTiming {
  /** What was done since the last mark, or the beginning, was this. */
  mark(verb: string): void;
  /** Milliseconds: `decode;dur=0.42, predict;dur=12.1`. */
  header(): string;
}

export function serverTiming(now = () => performance.now()): ServerTiming {
  const taken: string[] = [];
  let last = now();
  return {
    mark(verb) {
      const at = now();
      taken.push(`${verb};dur=${Math.round((at - last) * 1000) / 1000}`);
      last = at;
    },
    header: () => taken.join(', '),
  };
}
