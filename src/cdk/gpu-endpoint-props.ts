// What a GpuEndpoint can be told, and what it does untold.
import type { Duration } from 'aws-cdk-lib';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { EndpointApiProps } from './endpoint-api.ts';
import type { Gpu } from './gpus.ts';
import type { ModelStore } from './model-store.ts';

export interface GpuEndpointProps {
  /** Folder of the function, `functions/ocr`: the same one that InferenceFunction deploys. */
  readonly function: string;
  readonly store: ModelStore;
  /** @default the nearest folder with a package.json, from the working folder up */
  readonly root?: string;
  /** Folder of the Dockerfile, built from the root with the target `gpu`. @default images/gpu under the root */
  readonly image?: string;
  /** The Dockerfile's arguments: the images and provider files it is built from, by digest. @default none */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** @default dev */
  readonly stage?: string;
  /** t4 (16 GiB), a10g (24), l4 (24), l40s (48). @default l4 */
  readonly gpu?: Gpu;
  /** Regions that offer it beside those known here. @default none */
  readonly moreRegions?: readonly string[];
  /** vCPUs of a target: sockets, decoding, batches. @default 4 */
  readonly vcpus?: number;
  /** MB of a target. @default 14336, which leaves an instance of 16 GiB its own */
  readonly memorySize?: number;
  /** @default 0: nothing runs, and nothing is paid but the load balancer, while nobody asks */
  readonly minTargets?: number;
  /** @default 4 */
  readonly maxTargets?: number;
  /** Milliseconds that runs may wait, on average of the targets: beyond it more are started. @default 50 */
  readonly queueMilliseconds?: number;
  /** How long nobody asks before the last target goes. Only with minTargets 0. @default 15 minutes */
  readonly idle?: Duration;
  /** Spot instances: about a third of the price, taken away with two minutes' notice, in which targets drain. @default false */
  readonly spot?: boolean;
  /** @default a new one over two zones, with one NAT gateway */
  readonly vpc?: IVpc | Vpc;
  /**
   * Who lets requests in: the load balancer takes those of its VPC that carry a key; an API Gateway HTTP API takes those of
   * anywhere that IAM allows, or that carry a key or a token, of at most 10 MB, and waits 30 seconds.
   * @default load-balancer
   */
  readonly front?: 'load-balancer' | 'api';
  /** Who may ask, how often, under which name. Only with `front: 'api'`. @default by IAM, 100 a second, under AWS's name */
  readonly api?: EndpointApiProps;
  /** For HTTPS. Only with `front: 'load-balancer'`. @default HTTP, within the VPC alone */
  readonly certificate?: ICertificate;
  /** The keys that clients send, separated by commas. Only with `front: 'load-balancer'`. @default a new secret with one key */
  readonly apiKeys?: ISecret | Secret;
  /**
   * Whether new targets must first answer the request.* that lies beside the function as its answer.golden.json says. Only with
   * minTargets over 0.
   * @default true where both lie there
   */
  readonly golden?: boolean;
}
