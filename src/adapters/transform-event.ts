// What BatchTransform's state machine gives a function. Apart from transform.ts, which brings along what only it needs.
import { isRecord } from '../core/is-record.ts';

export interface TransformEvent {
  readonly transform: {
    /** `s3://bucket[/prefix]`: keys of items begin with the prefix. */
    readonly from: string;
    /** `s3://bucket[/prefix]`: results/ and failures/ are below it. */
    readonly to: string;
    /** Where the function is asked. */
    readonly path: string;
    /** Of every object. @default by the ending of its name */
    readonly contentType?: string;
    /** Retries that the machine makes at most. */
    readonly retries: number;
  };
  /** Retries that came before. */
  readonly retry: number;
  /** As ListObjectsV2 names them. */
  readonly items: readonly { readonly Key: string; readonly Size: number }[];
}

export function isTransformEvent(event: unknown): event is TransformEvent {
  if (!isRecord(event) || !isRecord(event['transform']) || !Array.isArray(event['items'])) return false;
  const { from, to, path, retries } = event['transform'];
  return (
    [from, to, path].every((each) => typeof each === 'string') &&
    [retries, event['retry']].every((each) => typeof each === 'number') &&
    event['items'].every((each: unknown) => isRecord(each) && typeof each['Key'] === 'string')
  );
}
