// Two pieces of work whose steps happen one at a time, in an order that the test gives.

type Step = (what: string) => Promise<void>;

/** `script` names whose turn it is; who has no step waiting lets the other one go. After the script they take turns. */
export function turnTaking(script: readonly string[]) {
  return {
    async run<A, B>(actors: {
      readonly publish: (step: Step) => Promise<A>;
      readonly prune: (step: Step) => Promise<B>;
    }): Promise<[A, B]> {
      const waiting = { publish: [] as (() => void)[], prune: [] as (() => void)[] };
      const step =
        (who: keyof typeof waiting): Step =>
        () =>
          new Promise((go) => waiting[who].push(go));
      const both = Promise.all([actors.publish(step('publish')), actors.prune(step('prune'))]);
      let ended = false;
      const end = () => (ended = true);
      both.then(end, end);
      for (let turn = 0; !ended; turn++) {
        await new Promise(setImmediate);
        const who = script[turn] ?? (turn % 2 === 0 ? 'publish' : 'prune');
        const [first, second] = who === 'publish' ? [waiting.publish, waiting.prune] : [waiting.prune, waiting.publish];
        (first.shift() ?? second.shift())?.();
      }
      return await both;
    },
  };
}
