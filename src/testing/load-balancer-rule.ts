// Which rule of a load balancer's listener a request meets.
// Source: Elastic Load Balancing, "Listener rules for your Application Load Balancer", "Condition types for listener rules".

export interface LambdaTarget {
  readonly kind: 'function';
  readonly functionName: string;
  /** The version or alias; $LATEST where the template names none. */
  readonly qualifier: string;
  readonly targetGroupArn: string;
  /** Headers and query come as lists, and headers go back as lists. */
  readonly lists: boolean;
}

export interface FixedResponse {
  readonly kind: 'fixed';
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface AlbRule {
  /** The lowest is asked first; the listener's default has Infinity. */
  readonly priority: number;
  /** All of which a request meets, each by one of its values. */
  readonly conditions: readonly { readonly of: 'path' | 'method' | 'host'; readonly values: readonly string[] }[];
  readonly action: LambdaTarget | FixedResponse;
}

export type AlbRequest = Readonly<Record<'path' | 'method' | 'host', string>>;

export function matchRule(rules: readonly AlbRule[], request: AlbRequest): AlbRule | undefined {
  return rules
    .toSorted((a, b) => a.priority - b.priority)
    .find(({ conditions }) =>
      conditions.every(({ of, values }) => values.some((value) => like(value, request[of], of === 'host'))),
    );
}

/** `*` stands for any characters, `?` for one. */
function like(pattern: string, text: string, anyCase: boolean): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, anyCase ? 'si' : 's').test(text);
}
