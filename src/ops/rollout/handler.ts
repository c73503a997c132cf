// A step of Rollout's state machine: shifts, finishes or goes back, as rolloutStep decides.
import { readContract } from '../../core/contract.ts';
import { GlowplugError, shorten } from '../../core/errors.ts';
import { isRecord } from '../../core/is-record.ts';
import { openStore } from '../../models/stores/open-store.ts';
import { aliasWeight } from '../../release/alias-weight.ts';
import { channelWeight } from '../../release/channel-weight.ts';
import { type RolloutState, rolloutStep, type Weight } from '../../release/rollout.ts';
import { type AwsApi, awsApi } from '../aws-api.ts';

/** What the state machine hands over: what was asked for, what stands in its definition, and where it is. */
export interface RolloutEvent {
  readonly execution: {
    /** The model whose channel moves. */
    readonly model?: string;
    /** Versions of the function between which its alias moves. */
    readonly alias?: { readonly from: string; readonly to: string };
    /** Who began it, for the history. */
    readonly by?: string;
    readonly state: RolloutState;
    readonly alarms?: { readonly names: readonly string[] };
  };
  readonly from: string;
  readonly to: string;
  readonly steps: readonly number[];
  readonly functionName: string;
  readonly aliasName: string;
}

export async function handler(event: RolloutEvent): Promise<RolloutState> {
  const contract = readContract();
  return await answerRollout(event, { store: () => openStore(contract), api: () => awsApi(contract) });
}

export interface RolloutHost {
  store(): ReturnType<typeof openStore>;
  api(): AwsApi;
}

/** @throws GlowplugError CONFIG_INVALID when it is asked for nothing that can be moved */
export async function answerRollout(event: RolloutEvent, host: RolloutHost): Promise<RolloutState> {
  const { execution, steps, from, to } = event;
  const { model, alias, by = 'a rollout', state, alarms } = execution;
  const weights: Weight[] = [];
  if (model !== undefined) weights.push(channelWeight(await host.store(), model, { from, to, by }));
  if (isRecord(alias)) {
    const update = updateAlias(host.api(), event);
    weights.push(aliasWeight({ ...alias, update }));
  }
  if (weights.length === 0) {
    throw new GlowplugError('CONFIG_INVALID', `expected a model or an alias to roll out, got ${shorten(execution)}`, {
      remedy: 'Start it with { "model": "rec" }, { "alias": { "from": "7", "to": "8" } }, or both.',
    });
  }
  return await rolloutStep(state, { weights, steps, alarms: alarms?.names ?? [] });
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html */
function updateAlias(api: AwsApi, { functionName, aliasName }: RolloutEvent) {
  return async (version: string, weights: Readonly<Record<string, number>>): Promise<void> => {
    await api({
      service: 'lambda',
      method: 'PUT',
      path: `/2015-03-31/functions/${encodeURIComponent(functionName)}/aliases/${encodeURIComponent(aliasName)}`,
      body: { FunctionVersion: version, RoutingConfig: { AdditionalVersionWeights: weights } },
    });
  };
}
