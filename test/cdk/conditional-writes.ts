// As much of IAM's evaluation as the store's bucket policy uses: which put of which key would be denied.
interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Put {
  readonly key: string;
  /** `if-match`, `if-none-match`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** False for starting a multipart upload and for its parts. */
  readonly creates?: boolean;
}

export function isDenied(statements: readonly Statement[], put: Put): boolean {
  return statements
    .filter(({ Effect, Action }) => Effect === 'Deny' && [Action].flat().includes('s3:PutObject'))
    .some((statement) => matchesKey(statement.Resource, put.key) && holds(statement.Condition ?? {}, put));
}

/** Resources are `Fn::Join` of the bucket's ARN and a pattern. */
function matchesKey(resource: unknown, key: string): boolean {
  const patterns = [...JSON.stringify(resource).matchAll(/"\/([^"]+)"/g)].map(([, pattern = '']) => pattern);
  return patterns.some((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(key));
}

function holds(conditions: NonNullable<Statement['Condition']>, { headers = {}, creates = true }: Put): boolean {
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, expected]) => {
      if (operator === 'Null') return String(!(key.replace('s3:', '') in headers)) === expected;
      if (operator === 'Bool' && key === 's3:ObjectCreationOperation') return String(creates) === expected;
      throw new Error(`no evaluation of ${operator} ${key}`);
    }),
  );
}
