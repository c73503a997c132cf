// As much of IAM's evaluation as the templates use: whether a role may do something to a resource. A denial wins.
import type { Template } from 'aws-cdk-lib/assertions';

export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | readonly string[];
  readonly Resource?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Ask {
  readonly action: string;
  /** As `text` writes it: `<Bucket.Arn>/iris/index.json`. */
  readonly resource: string;
  /** Condition keys of the request. */
  readonly context?: Readonly<Record<string, string>>;
}

/** Every statement that the role of this logical id has. */
export function statementsOf(template: Template, roleId: string): Statement[] {
  const attached = Object.values(template.findResources('AWS::IAM::Policy')).filter(({ Properties }) =>
    Properties.Roles?.some((role: unknown) => text(role) === `<${roleId}>`),
  );
  const inline = template.findResources('AWS::IAM::Role')[roleId]?.['Properties'].Policies ?? [];
  return [
    ...attached.flatMap(({ Properties }) => Properties.PolicyDocument.Statement),
    ...inline.flatMap((policy: { PolicyDocument: { Statement: Statement[] } }) => policy.PolicyDocument.Statement),
  ];
}

export function isAllowed(statements: readonly Statement[], ask: Ask): boolean {
  const applies = (effect: Statement['Effect']) =>
    statements.some((statement) => statement.Effect === effect && matches(statement, ask));
  return applies('Allow') && !applies('Deny');
}

/** What CloudFormation would put there: parts that only a deployment knows in angle brackets. */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[name, argument] = ['', undefined]] = Object.entries(value as Readonly<Record<string, unknown>>);
  if (name === 'Ref') return pseudo[String(argument)] ?? `<${argument}>`;
  if (name === 'Fn::GetAtt' && Array.isArray(argument)) return `<${argument.join('.')}>`;
  if (name === 'Fn::ImportValue') return `<${text(argument)}>`;
  if (name === 'Fn::Join' && Array.isArray(argument)) return argument[1].map(text).join(argument[0]);
  throw new Error(`no evaluation of ${name}`);
}

const pseudo: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'us-east-1',
  'AWS::AccountId': '111122223333',
  'AWS::URLSuffix': 'amazonaws.com',
};

function matches(statement: Statement, { action, resource, context = {} }: Ask): boolean {
  const actions = [statement.Action ?? []].flat();
  return (
    actions.some((pattern) => like(pattern.toLowerCase(), action.toLowerCase())) &&
    [statement.Resource].flat().some((pattern) => like(text(pattern), resource)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
      Object.entries(keys).every(([key, expected]) => holds(operator, context[key], [expected].flat().map(text))),
    )
  );
}

function holds(operator: string, got: string | undefined, expected: readonly string[]): boolean {
  if (operator === 'Null') return String(got === undefined) === expected[0];
  if (got === undefined) return false;
  if (operator === 'StringEquals' || operator === 'ArnEquals' || operator === 'Bool') return expected.includes(got);
  if (operator === 'StringLike' || operator === 'ArnLike') return expected.some((pattern) => like(pattern, got));
  throw new Error(`no evaluation of ${operator}`);
}

function like(pattern: string, value: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(value);
}
