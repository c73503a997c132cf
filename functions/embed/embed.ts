// Texts as vectors of length 1: tokenise, encode, pool, normalise, for any encoder of the usual inputs and outputs.
import { GlowplugError, type Model, type Tensor, type Tensors } from 'glowplug';
import { pool, tokenize, tokenTensors, unitVector } from 'glowplug/process';
import { type EncoderSettings, encoderSettings } from './encoder-settings.ts';

export interface Embedded {
  readonly vector: Float32Array;
  /** Tokens read, special ones included. */
  readonly tokens: number;
  /** 1, or how many windows the text was read in because it is longer than the encoder reads at once. */
  readonly windows: number;
}

/** Tokens of one run, padding included: memory stays bounded, and short texts do not wait for long ones. */
const TOKENS_AT_ONCE = 8192;

export async function embed(texts: readonly string[], encoder: Model): Promise<Embedded[]> {
  const settings = await encoderSettings(encoder);
  const read = texts.map((text) => tokenize(text, settings.tokenizer, settings.maxTokens));
  const rows = read.flatMap((windows, text) => windows.map((ids) => ({ text, ids })));
  // Similar lengths together: padding is work, too.
  rows.sort((a, b) => b.ids.length - a.ids.length);
  const sums = new Map<number, Float32Array>();
  for (const batch of batches(rows)) {
    const vectors = await encode(
      batch.map(({ ids }) => ids),
      encoder,
      settings,
    );
    for (const [at, { text, ids }] of batch.entries()) {
      // Of several windows the mean counts, a token as much as any other.
      const vector = unitVector(vectors[at]!);
      const sum = sums.get(text) ?? new Float32Array(vector.length);
      sums.set(
        text,
        sum.map((value, d) => value + vector[d]! * ids.length),
      );
    }
  }
  return read.map((windows, text) => ({
    vector: unitVector(sums.get(text)!),
    tokens: windows.reduce((sum, ids) => sum + ids.length, 0),
    windows: windows.length,
  }));
}

async function encode(rows: readonly (readonly number[])[], encoder: Model, settings: EncoderSettings) {
  const batch = tokenTensors(rows, settings.padding);
  const outputs = await encoder.run(feedsFor(await encoder.signature(), batch, encoder.reference));
  const sentences = outputs['sentence_embedding'];
  if (sentences?.datatype === 'FP32') return split(sentences);
  const hidden = outputs['last_hidden_state'] ?? Object.values(outputs).find(({ shape }) => shape.length === 3);
  if (hidden?.datatype === 'FP32') return pool(hidden, batch.attention_mask, settings.pooling);
  throw unlike(encoder.reference, 'an output last_hidden_state [batch, sequence, width]', Object.keys(outputs));
}

/** What the encoder asks for: not each takes token_type_ids. */
function feedsFor({ inputs }: Awaited<ReturnType<Model['signature']>>, batch: Tensors, reference: string): Tensors {
  const names = Object.keys(inputs);
  const unknown = names.filter((name) => !batch[name] || inputs[name]?.datatype !== 'INT64');
  if (unknown.length > 0) throw unlike(reference, `INT64 inputs among ${Object.keys(batch).join(', ')}`, unknown);
  return Object.fromEntries(names.map((name) => [name, batch[name]!]));
}

function* batches<T extends { readonly ids: readonly number[] }>(rows: readonly T[]): Generator<T[]> {
  for (let start = 0; start < rows.length; ) {
    const count = Math.max(1, Math.floor(TOKENS_AT_ONCE / rows[start]!.ids.length));
    yield rows.slice(start, start + count);
    start += count;
  }
}

/** [rows, width] as rows. */
function split({ data, shape: [rows = 0, width = 0] }: Tensor<'FP32'>): Float32Array[] {
  return Array.from({ length: rows }, (_, row) => data.slice(row * width, (row + 1) * width));
}

function unlike(reference: string, expected: string, got: readonly string[]): GlowplugError {
  return new GlowplugError(
    'CONFIG_INVALID',
    `expected ${reference} to be a sentence encoder with ${expected}, got ${got.join(', ')}`,
    {
      remedy:
        'Export it with the usual names (optimum-cli export onnx --task feature-extraction), or change functions/embed/embed.ts.',
    },
  );
}
