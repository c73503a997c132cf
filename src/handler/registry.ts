// What models.d.ts, written by `glowplug lock`, tells TypeScript of each model.
import type { Datatype } from '../core/signature.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Reference → element types of inputs and outputs by name. models.d.ts adds a property for each locked reference. */
// biome-ignore lint/suspicious/noEmptyInterface: models.d.ts fills it by declaration merging
export interface ModelRegistry {}

interface AnyModel {
  readonly inputs: Readonly<Record<string, Datatype>>;
  readonly outputs: Readonly<Record<string, Datatype>>;
}

type Registered<R extends string> = R extends keyof ModelRegistry ? ModelRegistry[R] : AnyModel;
type TensorsOf<T> = { readonly [Name in keyof T]: T[Name] extends Datatype ? Tensor<T[Name]> : never };

/** A model answers BYTES as text: onnxruntime has no other. */
type Text = Tensor<'BYTES'> & { readonly data: readonly string[] };
type AnswersOf<T> = { readonly [Name in keyof T]: T[Name] extends 'BYTES' ? Text : TensorsOf<T>[Name] };

/** The tensors that the model behind `R` takes; any names and types when the lock file does not hold it. */
export type FeedsOf<R extends string> = Registered<R> extends { inputs: infer I } ? TensorsOf<I> : never;
/** The tensors that it answers with. */
export type OutputsOf<R extends string> = Registered<R> extends { outputs: infer O } ? AnswersOf<O> : never;
