// A text as the rows of token ids that a transformer reads, and rows as its input tensors.
import { GlowplugError } from '../core/errors.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import { windows } from './windows.ts';

/** What is needed of a tokenizer: the `Tokenizer` of `@huggingface/tokenizers` has it. */
export interface TextTokenizer {
  encode(text: string, options?: { add_special_tokens?: boolean }): { readonly ids: readonly number[] };
}

/**
 * Token ids with the tokenizer's special tokens around them: one row, or where the text is longer than the model reads at once, a row for
 * each window of it, half of which the next one reads again.
 *
 * @param maxTokens of one row, special tokens included
 * @throws GlowplugError CONFIG_INVALID where the special tokens alone fill a row
 * @example
 * tokenize('The glow plug heats.', new Tokenizer(json, config), 512); // [[101, 1996, …, 102]]
 */
export function tokenize(text: string, tokenizer: TextTokenizer, maxTokens: number): number[][] {
  const whole = tokenizer.encode(text).ids;
  if (whole.length <= maxTokens) return [[...whole]];
  const bare = tokenizer.encode(text, { add_special_tokens: false }).ids;
  const before = whole.findIndex((_id, at) => bare.every((id, i) => whole[at + i] === id));
  const after = before < 0 ? [] : whole.slice(before + bare.length);
  const room = maxTokens - (whole.length - bare.length);
  if (before < 0 || room < 1) {
    throw new GlowplugError('CONFIG_INVALID', `expected a tokenizer whose special tokens leave room in ${maxTokens}`);
  }
  const step = Math.ceil(room / 2);
  return [...windows(bare.length, room, step)].map(({ start, end }) => [
    ...whole.slice(0, before),
    ...bare.slice(start, end),
    ...after,
  ]);
}

export type TokenTensors = {
  /** [rows, longest], filled up with the padding's id. */
  readonly input_ids: Tensor<'INT64'>;
  /** 1 for a token, 0 for padding. */
  readonly attention_mask: Tensor<'INT64'>;
  /** 0: no row is a pair of texts. */
  readonly token_type_ids: Tensor<'INT64'>;
};

/** Rows of token ids as the tensors that encoders take, by the names that they give them. */
export function tokenTensors(rows: readonly (readonly number[])[], padding = 0): TokenTensors {
  const width = Math.max(0, ...rows.map((row) => row.length));
  const shape = [rows.length, width];
  const ids = new BigInt64Array(rows.length * width).fill(BigInt(padding));
  const mask = new BigInt64Array(rows.length * width);
  for (const [at, row] of rows.entries()) {
    for (const [i, id] of row.entries()) ids[at * width + i] = BigInt(id);
    mask.fill(1n, at * width, at * width + row.length);
  }
  return {
    input_ids: tensor('INT64', shape, ids),
    attention_mask: tensor('INT64', shape, mask),
    token_type_ids: tensor('INT64', shape, new BigInt64Array(rows.length * width)),
  };
}
