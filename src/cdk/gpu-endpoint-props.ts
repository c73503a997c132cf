// What a GpuEndpoint can be told, and what it does untold.
import type { Duration } from 'aws-cdk-lib';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { EndpointApiProps } from './endpoint-api.ts';
import type { Gpu } from './gpus.ts';
import type { ModelStore } from './model-store.ts';

/** What runs the image. A target is a task on ecs, an execution environment on lambda, a copy on sagemaker: one GPU each. */
export type GpuHost = 'ecs' | 'lambda' | 'sagemaker';

export interface GpuEndpointProps<H extends GpuHost = GpuHost> {
  /** Folder of the function, `functions/ocr`: the same one that InferenceFunction deploys. */
  readonly function: string;
  readonly store: ModelStore;
  /**
   * `ecs`: Managed Instances behind a load balancer of the VPC, with API keys, or behind API Gateway; bodies up to 100 MB.
   * `lambda`: Managed Instances with a function URL, signed with IAM, for bodies up to 6 MB.
   * `sagemaker`: an inference component, called by InvokeEndpoint alone, for bodies up to 25 MB; idle it costs nothing.
   * @default ecs
   */
  readonly host?: H;
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
  /** vCPUs of a target: sockets, decoding, batches. On ecs; lambda gives one for each 4096 MB. @default 4 */
  readonly vcpus?: number;
  /**
   * MB of a target. On ecs and lambda, where it is 4096 to 28672 (with an l40s 32768) in steps of 4096; a copy on sagemaker has its
   * instance's.
   * @default 14336 on ecs, 12288 on lambda: both leave an instance of 16 GiB its own
   */
  readonly memorySize?: number;
  /**
   * Below 1 the first request after a quiet time starts a target, which takes minutes; until it is ready ecs answers 503 with
   * Retry-After, sagemaker 400 (“no capacity”), and requests to lambda may fail.
   * @default 0: nothing runs while nobody asks
   */
  readonly minTargets?: number;
  /** @default 4 */
  readonly maxTargets?: number;
  /** On ecs: milliseconds that runs may wait, on average of the targets; beyond it more are started. @default 50 */
  readonly queueMilliseconds?: number;
  /**
   * Requests under way in one target. On lambda the most that it is handed, and what Lambda scales by beside the use of GPU and
   * CPU; on sagemaker the average beyond which more targets are started.
   * @default 32 on lambda, 8 on sagemaker
   */
  readonly concurrency?: number;
  /** On ecs: how long nobody asks before the last target goes. Only with minTargets 0. @default 15 minutes */
  readonly idle?: Duration;
  /**
   * On ecs: spot instances, about a third of the price, taken away with two minutes' notice, in which targets drain.
   * @default false
   */
  readonly spot?: boolean;
  /**
   * One that is given must reach S3 and, on ecs and lambda, AWS's APIs.
   * @default a new one over two zones with one NAT gateway; none on sagemaker, which runs in a network of its own
   */
  readonly vpc?: IVpc | Vpc;
  /**
   * On ecs: who lets requests in. The load balancer takes those of its VPC that carry a key; an API Gateway HTTP API takes those
   * of anywhere that IAM allows, or that carry a key or a token, of at most 10 MB, and waits 30 seconds.
   * @default load-balancer
   */
  readonly front?: 'load-balancer' | 'api';
  /** Who may ask, how often, under which name. Only with `front: 'api'`. @default by IAM, 100 a second, under AWS's name */
  readonly api?: EndpointApiProps;
  /** For HTTPS. Only with `front: 'load-balancer'`. @default HTTP, within the VPC alone */
  readonly certificate?: ICertificate;
  /** On ecs: the keys that clients send, separated by commas. Only with `front: 'load-balancer'`. @default a new secret with one key */
  readonly apiKeys?: ISecret | Secret;
  /**
   * On ecs: whether new targets must first answer the request.* that lies beside the function as its answer.golden.json says.
   * Only with minTargets over 0.
   * @default true where both lie there
   */
  readonly golden?: boolean;
}
