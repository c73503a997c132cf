// What tags should do, in the simplest words: a stack a channel, and a set of yanked versions.

export type TagAction =
  | { readonly do: 'tag'; readonly channel: string; readonly version: string }
  | { readonly do: 'rollback'; readonly channel: string }
  | { readonly do: 'yank'; readonly version: string }
  | { readonly do: 'unyank'; readonly version: string };

export class TagsModel {
  readonly #stacks = new Map<string, string[]>();
  readonly #yanked = new Set<string>();

  at(channel: string): string | undefined {
    return this.#stacks.get(channel)?.at(-1);
  }

  /** The version that the action ends at, `same` when it changes nothing, or the code of its refusal. */
  apply(action: TagAction): string {
    switch (action.do) {
      case 'tag':
        if (this.#yanked.has(action.version)) return 'VERSION_YANKED';
        if (this.at(action.channel) === action.version) return 'same';
        this.#stacks.set(action.channel, [...(this.#stacks.get(action.channel) ?? []), action.version]);
        return action.version;
      case 'rollback': {
        const stack = [...(this.#stacks.get(action.channel) ?? [])];
        const current = stack.pop();
        while (stack.length > 0 && (stack.at(-1) === current || this.#yanked.has(stack.at(-1) ?? ''))) stack.pop();
        const target = stack.at(-1);
        if (target === undefined) return 'MODEL_NOT_FOUND';
        this.#stacks.set(action.channel, stack);
        return target;
      }
      case 'yank':
        if (this.#yanked.has(action.version)) return 'same';
        if ([...this.#stacks.values()].some((stack) => stack.at(-1) === action.version)) return 'STORE_CONFLICT';
        this.#yanked.add(action.version);
        return action.version;
      case 'unyank':
        return this.#yanked.delete(action.version) ? action.version : 'same';
    }
  }
}
