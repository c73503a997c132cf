// What only some hosts can be told: said at synth, where it would else be left out in silence.
import { GlowplugError } from '../core/errors.ts';
import type { GpuEndpointProps, GpuHost } from './gpu-endpoint-props.ts';

const ownFront = { lambda: 'Its URL is its only front.', sagemaker: 'InvokeEndpoint is its only front.' };
const wholeInstance = 'A copy has its instance to itself: choose another gpu.';

/** What to do instead, by property and host that has no use for it. */
const instead: {
  readonly [property in keyof GpuEndpointProps]?: { readonly [host in GpuHost]?: string };
} = {
  api: ownFront,
  apiKeys: { lambda: 'Requests are signed with IAM.', sagemaker: 'Requests are signed with IAM.' },
  certificate: { lambda: 'Its URL is HTTPS as it is.', sagemaker: 'It is HTTPS as it is.' },
  concurrency: { ecs: 'It scales by how long runs wait: set queueMilliseconds.' },
  front: ownFront,
  golden: {
    lambda: 'No new environment is asked before it takes requests.',
    sagemaker: 'No new copy is asked before it takes requests; an alarm takes them back.',
  },
  idle: {
    lambda: 'Lambda decides when the last environment goes.',
    sagemaker: 'The last copy goes after 15 minutes without requests, which SageMaker has fixed.',
  },
  memorySize: { sagemaker: wholeInstance },
  queueMilliseconds: {
    lambda: 'It scales by the use of the GPU and by requests at once: set concurrency.',
    sagemaker: 'It scales by requests at once: set concurrency.',
  },
  spot: { lambda: 'Lambda has no spot instances.', sagemaker: 'SageMaker has no spot instances for endpoints.' },
  vcpus: { lambda: 'It gives one vCPU for each 4096 MB: set memorySize.', sagemaker: wholeInstance },
};

/** @throws GlowplugError CONFIG_INVALID naming the property, and what does the same on this host */
export function mustSuitHost(host: GpuHost, props: GpuEndpointProps): void {
  for (const [property, hosts] of Object.entries(instead)) {
    const remedy = hosts[host];
    const given = Reflect.get(props, property);
    // What is turned off is not asked for.
    if (remedy === undefined || given === undefined || given === false) continue;
    throw new GlowplugError('CONFIG_INVALID', `expected no ${property} with host: '${host}'`, {
      remedy: `${remedy} Leave ${property} out.`,
    });
  }
}
