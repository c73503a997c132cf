// CloudFormation's functions as the local cloud evaluates them.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's own syntax
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Evaluator } from '../../../src/testing/template/intrinsics.ts';
import type { Json } from '../../../src/testing/template/json.ts';

const shop = {
  Parameters: { Color: { Type: 'String', Default: 'red' }, Open: { Type: 'String' } },
  Conditions: { Red: { 'Fn::Equals': [{ Ref: 'Color' }, 'red'] }, Blue: { 'Fn::Not': [{ Condition: 'Red' }] } },
  Resources: {
    Bucket1234ABCD: { Type: 'AWS::S3::Bucket' },
    Named: { Type: 'AWS::S3::Bucket', Properties: { BucketName: { 'Fn::Sub': 'shop-${AWS::AccountId}' } } },
    Fn: { Type: 'AWS::Lambda::Function', Properties: { FunctionName: 'api' } },
    Role: { Type: 'AWS::IAM::Role' },
    Queue: { Type: 'AWS::SNS::Topic' },
  },
};
const base = {
  Resources: {},
  Outputs: {
    Table: { Value: { 'Fn::Join': ['-', ['table', { Ref: 'AWS::Region' }]] }, Export: { Name: 'base:Table' } },
    Loop: { Value: { 'Fn::ImportValue': 'base:Loop' }, Export: { Name: 'base:Loop' } },
  },
};
const stacks = [
  { name: 'shop', template: shop },
  { name: 'base', template: base },
];
const deployment = { stacks, region: 'eu-west-1', account: '000000000000' };
const evaluate = (value: Json) => new Evaluator(deployment, { name: 'shop', template: shop }).evaluate(value);

describe('intrinsic functions', () => {
  it.each<[string, Json, Json]>([
    ['a pseudo parameter', { Ref: 'AWS::Region' }, 'eu-west-1'],
    ['a parameter’s default', { Ref: 'Color' }, 'red'],
    ['a bucket, by a name of stack and logical id', { Ref: 'Bucket1234ABCD' }, 'shop-bucket1234abcd'],
    ['a bucket with a name of its own', { Ref: 'Named' }, 'shop-000000000000'],
    ['an attribute', { 'Fn::GetAtt': ['Fn', 'Arn'] }, 'arn:aws:lambda:eu-west-1:000000000000:function:api'],
    ['an attribute, written with a dot', { 'Fn::GetAtt': 'Bucket1234ABCD.Arn' }, 'arn:aws:s3:::shop-bucket1234abcd'],
    ['Join', { 'Fn::Join': ['/', ['s3:/', { Ref: 'Named' }, 1]] }, 's3://shop-000000000000/1'],
    [
      'Sub of names, attributes and given values',
      { 'Fn::Sub': ['${Fn.Arn} ${Color} ${x} ${!kept}', { x: { Ref: 'Fn' } }] },
      'arn:aws:lambda:eu-west-1:000000000000:function:api red api ${kept}',
    ],
    ['Select and Split', { 'Fn::Select': [5, { 'Fn::Split': [':', { 'Fn::GetAtt': ['Fn', 'Arn'] }] }] }, 'function'],
    ['ImportValue of another stack', { 'Fn::ImportValue': 'base:Table' }, 'table-eu-west-1'],
    ['If, by a condition', { 'Fn::If': ['Red', 'yes', { 'Fn::Nonsense': 1 }] }, 'yes'],
    ['a condition that is the opposite of another', { 'Fn::If': ['Blue', 'yes', 'no'] }, 'no'],
    [
      'values inside lists and objects; NoValue is left out',
      { a: [{ Ref: 'Color' }, { Ref: 'AWS::NoValue' }], b: { Ref: 'AWS::NoValue' } },
      { a: ['red'] },
    ],
  ])('evaluate %s', (_what, value, expected) => {
    expect(evaluate(value)).toEqual(expected);
  });

  it.each<[string, Json, string]>([
    ['an unknown function', { 'Fn::GetAZs': '' }, 'stack shop: Fn::GetAZs "" cannot be evaluated here'],
    ['an unknown resource', { Ref: 'Nobody' }, 'stack shop: there is no resource Nobody'],
    [
      'an attribute that AWS makes',
      { 'Fn::GetAtt': ['Queue', 'QueueUrl'] },
      'stack shop: QueueUrl of Queue is not known before it is deployed',
    ],
    ['a parameter without a default', { Ref: 'Open' }, 'stack shop: parameter Open has no default'],
    ['an export that nobody has', { 'Fn::ImportValue': 'x' }, 'stack shop: no stack of the app exports x'],
    ['an export that needs itself', { 'Fn::ImportValue': 'base:Loop' }, 'stack base: export base:Loop needs itself'],
    ['a list where text is needed', { 'Fn::Join': ['', [[1]]] }, 'stack shop: Fn::Join expects a string, got [1]'],
    ['text where a list is needed', { 'Fn::Select': [0, 'a'] }, 'stack shop: Fn::Select expects a list, got "a"'],
    [
      'an index past the end',
      { 'Fn::Select': [9, ['a']] },
      'stack shop: Fn::Select [9,["a"]] cannot be evaluated here',
    ],
  ])('refuse %s, saying what', (_what, value, message) => {
    expect(() => evaluate(value)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message }));
  });

  it('leave what has no intrinsic in it as it is', () => {
    let cases = 0;
    const plain = fc
      .jsonValue({ noUnicodeString: false })
      .filter((value) => !/"(Ref|Condition|Fn::[^"]*)":/.test(JSON.stringify(value)));
    fc.assert(
      fc.property(plain, (value) => {
        cases++;
        const text = JSON.stringify(value);
        expect(evaluate(JSON.parse(text))).toEqual(JSON.parse(text));
      }),
    );
    console.log(`evaluated ${cases} plain values`);
  });
});
