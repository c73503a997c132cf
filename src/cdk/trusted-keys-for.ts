// What a function of a store that demands signatures believes, and what is refused before it is deployed.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Annotations, CfnRule, Fn, Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { FunctionBundle } from '../build/bundle-function.ts';
import { readContract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { refuseBelow } from '../models/floor.ts';
import { floorOf, keysFile, parseTrustedKeys, serializeTrustedKeys } from '../models/trusted-keys.ts';
import type { ModelStore } from './model-store.ts';

/** Of what all of a function's variables may take: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MOST_BYTES = 2048;

/**
 * The app's models.keys.json for the function to check followed versions by; undefined where the store demands no signatures.
 *
 * @throws GlowplugError CONFIG_INVALID for keys that are not there, cannot be read, or cover not every model; BELOW_FLOOR
 */
export function trustedKeysFor(
  scope: Construct,
  store: ModelStore,
  bundle: FunctionBundle,
  root: string,
): string | undefined {
  if (!store.signed) return undefined;
  const path = join(root, keysFile);
  const trusted = existsSync(path) ? parseTrustedKeys(readFileSync(path, 'utf8')) : { keys: {}, floors: {} };
  const keys = Object.values(trusted.keys);
  if (keys.length === 0) return void refuseWithoutKey(scope, bundle);
  for (const { model, version } of Object.values(bundle.lock.models)) {
    refuseBelow(floorOf(trusted, model), model, version);
    if (keys.some(({ models }) => models.includes('*') || models.includes(model))) continue;
    throw new GlowplugError(
      'CONFIG_INVALID',
      `function ${bundle.name}: expected a key in ${keysFile} that may sign ${model}, its keys are for ${[...new Set(keys.flatMap(({ models }) => models))].join(', ')}`,
      { remedy: `Add ${model} to the models of a key, sign it with glowplug sign, and commit the file.` },
    );
  }
  const text = serializeTrustedKeys(trusted).replaceAll(/\s+/g, '');
  if (text.length <= MOST_BYTES) return text;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected ${keysFile} to fit into ${MOST_BYTES} bytes of a function’s variables, it takes ${text.length}`,
    { remedy: 'Remove keys that nothing in use is signed with, or write * for a key that may sign every model.' },
  );
}

/**
 * At once where there is an account to deploy to. A clone that has none can still be looked at, and what it synthesises carries
 * a rule by which CloudFormation refuses it, whoever hands it over later.
 */
function refuseWithoutKey(scope: Construct, { name }: FunctionBundle): void {
  const stack = Stack.of(scope);
  const why = `its store demands signed models, and ${keysFile} names no key`;
  const remedy = `Run glowplug keygen <id>, commit ${keysFile}, and deploy by glowplug deploy --sign <id>.key.json.`;
  if (!Token.isUnresolved(stack.account) || readContract().cdkAccount !== undefined) {
    throw new GlowplugError('CONFIG_INVALID', `function ${name}: ${why}`, { remedy });
  }
  if (stack.node.tryFindChild(rule)) return;
  Annotations.of(stack).addWarningV2('glowplug:keys', `${why}: it can be looked at, not deployed. ${remedy}`);
  const never = Fn.conditionEquals(`keys in ${keysFile}`, 'none');
  new CfnRule(stack, rule, { assertions: [{ assert: never, assertDescription: `${why}. ${remedy}` }] });
}

/** One a stack, whichever function asks first. */
const rule = 'SignedModels';
