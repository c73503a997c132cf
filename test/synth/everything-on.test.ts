// Each stage with everything on, read from its own templates. What it may do: no action is a wildcard, and every wide resource stands
// here with its reason. What it keeps and watches, and who is told.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stageNames } from '../../infra/config.ts';
import { variables } from '../../src/core/variables.ts';
import { type Statement, text } from '../cdk/policy.ts';
import { everythingOn } from './everything-on.ts';
import { type SynthesisedStage, synthStage } from './synth-stage.ts';

/** Actions that AWS allows for * alone, each with why. A new one is a decision, made here. */
const forAnyResource: Readonly<Record<string, string>> = {
  'xray:PutTraceSegments': 'X-Ray has no resources',
  'xray:PutTelemetryRecords': 'X-Ray has no resources',
};

/** The public halves of the keys that sign versions. */
const publicKeys = 'GLOWPLUG_TRUSTED_KEYS';

/** Where other wildcards end, each with why. */
const partly: Readonly<Record<string, RegExp>> = {
  'inside one model: its blobs are named by digests': /ModelStoreBucket\w*>\/[a-z0-9-]+\/\*$/,
  'the versions of one function': /^<\w+\.Arn>:\*$/,
  'results of one queue are named by ids of messages': /^<\w+QueueResults\w+\.Arn>\/results\/\*$/,
  'the region of a role of CDK’s bootstrap':
    /^arn:aws:iam::111122223333:role\/cdk-hnb659fds-\w[\w-]*-role-111122223333-\*$/,
  'every model, for who publishes them': /^<ModelStoreBucket\w+\.Arn>\/\*\/(\*|blobs\/\*|index\.json|oci-layout)$/,
  'what one function captures, and is told and found of it':
    /^<\w+QualityKept\w+\.Arn>\/(captured|truth|reports)\/[a-z]+\/\*$/,
};

interface Trust {
  readonly Principal: object;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

describe.each(stageNames)('stage %s', (stage) => {
  let made: SynthesisedStage;
  beforeAll(async () => {
    // Clean under AwsSolutions and CDK's own rules, or this throws.
    made = await synthStage(stage, everythingOn);
  }, 180_000);
  afterAll(() => made?.[Symbol.dispose]());

  /** What roles may do: policies of their own, and those inside them. */
  const allowed = (which: (policy: Readonly<Record<string, unknown>>) => boolean = () => true): Statement[] =>
    [
      ...made.of('AWS::IAM::Policy').map(({ Properties }) => Properties),
      ...made.of('AWS::IAM::ManagedPolicy').map(({ Properties }) => Properties),
      ...made.of('AWS::IAM::Role').flatMap(({ Properties }) => Object(Properties)['Policies'] ?? []),
    ]
      .filter(which)
      .flatMap(({ PolicyDocument }) => Object(PolicyDocument).Statement as Statement[])
      .filter(({ Effect }) => Effect === 'Allow');
  const actionsOf = ({ Action }: Statement) => [Action ?? []].flat();
  const resourcesOf = ({ Resource }: Statement) => [Resource].flat().map(text);

  it('allows no action by a wildcard, nor by what it leaves out', () => {
    const actions = allowed().flatMap(actionsOf);
    expect(actions.length).toBeGreaterThan(10);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
    expect(JSON.stringify(allowed())).not.toMatch(/NotAction|NotResource/);
  });

  it('allows for every resource only what has none', () => {
    const actions = allowed()
      .filter((statement) => resourcesOf(statement).includes('*'))
      .flatMap(actionsOf);
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => !(action in forAnyResource))).toEqual([]);
  });

  it('ends every other wildcard where its reason does', () => {
    const wide = allowed()
      .flatMap(resourcesOf)
      .filter((resource) => resource.includes('*') && resource !== '*');
    const reasons = new Set<string>();
    for (const resource of wide) {
      const [reason] = Object.entries(partly).find(([, pattern]) => pattern.test(resource)) ?? [];
      expect(reason, resource).toBeDefined();
      reasons.add(reason!);
    }
    expect([...reasons].sort()).toEqual(Object.keys(partly).sort());
  });

  it('lets no function write to the store, and nobody delete from it', () => {
    const atStore = (statements: Statement[]) =>
      statements.filter((statement) => resourcesOf(statement).some((one) => one.includes('ModelStore')));
    const functions = atStore(allowed(({ Roles }) => !JSON.stringify(Roles ?? '').includes('Pipeline')));
    expect([...new Set(functions.flatMap(actionsOf))]).toEqual(['s3:GetObject']);
    expect(
      atStore(allowed())
        .flatMap(actionsOf)
        .filter((action) => /Delete|Policy|Acl/.test(action)),
    ).toEqual([]);
  });

  it('lets AWS’s services alone take a role, but for one branch and one environment of the repository that it names', () => {
    const subjects = made.of('AWS::IAM::Role').flatMap(({ Properties }) => {
      const { Statement } = Properties['AssumeRolePolicyDocument'] as { Statement: Trust[] };
      return Statement.flatMap(({ Principal, Condition }) => {
        if ('Service' in Principal) return [];
        expect(Object.keys(Principal)).toEqual(['Federated']);
        expect(Object.keys(Condition ?? {})).toEqual(['StringEquals']);
        return Condition?.['StringEquals']?.['token.actions.githubusercontent.com:sub'];
      });
    });
    expect(subjects.sort()).toEqual([
      `repo:garden/flowers:environment:${stage}`,
      'repo:garden/flowers:ref:refs/heads/main',
    ]);
  });

  it('lets nobody unnamed into a bucket, a queue, a topic or a URL', () => {
    const kinds = ['AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy'];
    for (const kind of kinds) {
      const statements = made.of(kind).flatMap(({ Properties }) => Object(Properties['PolicyDocument']).Statement);
      expect(statements.length, kind).toBeGreaterThan(0);
      for (const { Effect, Principal } of statements) {
        if (Effect === 'Allow') expect(Object.keys(Object(Principal)), JSON.stringify(Principal)).toEqual(['Service']);
      }
    }
    for (const url of made.of('AWS::Lambda::Url')) expect(url.Properties['AuthType']).toBe('AWS_IAM');
  });

  it('puts nothing into an environment but what the contract names, and no secret', () => {
    const known = Object.keys(variables);
    const environments = made
      .of('AWS::Lambda::Function')
      .flatMap(({ Properties }) => Object(Properties['Environment']).Variables ?? []);
    expect(environments.length).toBeGreaterThan(0);
    for (const environment of environments) {
      expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([]);
      expect(
        Object.keys(environment).filter((name) => /SECRET|KEY|TOKEN|PASSWORD/.test(name) && name !== publicKeys),
      ).toEqual([]);
    }
    // Nor anywhere else: CloudFormation would write a secret's value into what it makes.
    expect(JSON.stringify(made.resources)).not.toMatch(/resolve:(secretsmanager|ssm)|AKIA[0-9A-Z]{16}/);
  });

  it('has buckets that are encrypted, private and reached by TLS alone; prod keeps its store, and signed models alone', () => {
    const buckets = made.of('AWS::S3::Bucket');
    expect(buckets).toHaveLength(4);
    for (const { Properties } of buckets) {
      expect(Properties['BucketEncryption']).toBeDefined();
      expect(new Set(Object.values(Object(Properties['PublicAccessBlockConfiguration'])))).toEqual(new Set([true]));
    }
    const policies = made.of('AWS::S3::BucketPolicy');
    expect(policies).toHaveLength(buckets.length);
    for (const policy of policies) expect(JSON.stringify(policy)).toContain('"aws:SecureTransport":"false"');
    const isProd = stage === 'prod';
    const [store] = buckets.filter(({ Metadata }) => Metadata?.['glowplug:store']);
    expect(store).toMatchObject({
      DeletionPolicy: isProd ? 'Retain' : 'Delete',
      Metadata: { 'glowplug:store': { signed: isProd } },
    });
  });

  it('keeps and watches what a function captures where that is asked for', () => {
    const kept = made.resources.flatMap(([id, { Type }]) => (Type === 'AWS::S3::Bucket' ? [id] : []));
    expect(kept.filter((id) => id.includes('Quality')).map((id) => id.replace(/Quality.*/, ''))).toEqual([
      'Iris',
      'Spam',
    ]);
    const functions = made.of('AWS::Lambda::Function');
    const capture = functions.filter(
      ({ Properties }) => 'GLOWPLUG_CAPTURE' in (Object(Properties['Environment']).Variables ?? {}),
    );
    expect(capture.map(({ Metadata }) => Metadata?.['glowplug:function'])).toEqual(['iris', 'spam']);
    const jobs = functions
      .map(({ Metadata }) => `${Metadata?.['glowplug:function']}`)
      .filter((name) => name.endsWith('-quality'));
    expect(jobs).toEqual(['iris-quality', 'spam-quality']);
  });

  it('tells those whom it names of budgets and of quality, and shows both on its dashboard', () => {
    const [topic] = made.resources.flatMap(([id, { Type }]) => (Type === 'AWS::SNS::Topic' ? [id] : []));
    expect(made.of('AWS::SNS::Subscription')).toMatchObject([
      { Properties: { Protocol: 'email', Endpoint: 'ops@example.com' } },
    ]);
    const [{ Properties: { PolicyDocument } = { PolicyDocument: {} } } = {}] = made.of('AWS::SNS::TopicPolicy');
    // Without it CloudWatch could not tell the topic: the policy that demands TLS takes the place of the one that lets the account in.
    expect(Object(PolicyDocument).Statement).toContainEqual(
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': expect.anything() } },
      }),
    );
    const told = made.resources.filter(([, { Properties }]) => Properties?.['AlarmActions'] !== undefined);
    for (const [, { Properties }] of told) {
      expect([Properties['AlarmActions'], Properties['OKActions']]).toEqual([[{ Ref: topic }], [{ Ref: topic }]]);
    }
    const quality = told.map(([id]) => id).filter((id) => id.includes('Quality'));
    expect(quality.map((id) => id.replace(/[0-9A-F]{8}$/, '')).sort()).toEqual([
      'IrisQualityDrift',
      'IrisQualityFailing',
      'SpamQualityDrift',
      'SpamQualityFailing',
    ]);
    expect(told.map(([id]) => id).filter((id) => id.startsWith('SpamQueueUnanswered'))).toHaveLength(1);
    // Two burns of two objectives a function.
    const functions = made.of('AWS::Lambda::Url').length;
    expect(told).toHaveLength(4 * functions + quality.length + 1);
    const [dashboard] = made.of('AWS::CloudWatch::Dashboard');
    for (const [id] of told) expect(JSON.stringify(dashboard)).toContain(id);
  });
});
