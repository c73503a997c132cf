// How an encoder wants its texts: what its publisher's files say, by the names that Hugging Face gives them.
import { Tokenizer } from '@huggingface/tokenizers';
import { GlowplugError, type Model } from 'glowplug';
import { type Pooling, poolings } from 'glowplug/process';

export interface EncoderSettings {
  readonly tokenizer: Tokenizer;
  /** Of one row, special tokens included. */
  readonly maxTokens: number;
  /** Id that fills up a row. */
  readonly padding: number;
  readonly pooling: Pooling;
}

/** BERT's, where no file says. */
const MAX_TOKENS = 512;

let last: { readonly digest: string; readonly settings: Promise<EncoderSettings> } | undefined;

/** Read once for each version: a vocabulary of 30,000 words takes a tenth of a second. */
export async function encoderSettings(encoder: Model): Promise<EncoderSettings> {
  const { digest } = await encoder.locked();
  if (last?.digest !== digest) {
    const settings = read(encoder);
    last = { digest, settings };
    settings.catch(() => (last = undefined));
  }
  return await last.settings;
}

async function read(encoder: Model): Promise<EncoderSettings> {
  const { files } = await encoder.locked();
  if (!files['tokenizer.json']) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected tokenizer.json among the files of ${encoder.reference}, it is not`,
      {
        remedy: 'Add it in models/: it lies beside the model where that was published.',
      },
    );
  }
  const json = async (file: string): Promise<Readonly<Record<string, unknown>>> =>
    files[file] ? JSON.parse(await encoder.text(file)) : {};
  const [model, config, sentences, pool] = await Promise.all(
    ['tokenizer.json', 'tokenizer_config.json', 'sentence_bert_config.json', 'pooling.json'].map(json),
  );
  const tokenizer = new Tokenizer(model ?? {}, config ?? {});
  const longest = Number(sentences?.['max_seq_length'] ?? config?.['model_max_length']);
  return {
    tokenizer,
    // Tokenizers without a limit say 10³⁰.
    maxTokens: longest > 0 && longest < 1e6 ? longest : MAX_TOKENS,
    padding: tokenizer.token_to_id(String(config?.['pad_token'] ?? '[PAD]')) ?? 0,
    pooling: poolings.find((how) => pool?.[`pooling_mode_${how === 'cls' ? 'cls_token' : `${how}_tokens`}`]) ?? 'mean',
  };
}
