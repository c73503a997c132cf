// Makes the toy encoder: model.onnx, tokenizer.json and tokenizer_config.json beside itself: node models/toy-encoder/make.ts [folder]
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { encoderModel } from './graph.ts';

const maxTokens = 64;
/** As many of the commonest words of e-mails as keep the whole below 200 KB. */
const WORDS = 800;
const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'];

const folder = resolve(process.argv[2] ?? import.meta.dirname);
const vocabulary = vocabularyOf(readFileSync(join(import.meta.dirname, '../spam/vocabulary.txt'), 'utf8'));
const model = encoderModel({ vocabulary: vocabulary.length, special: special.length, width: 32, heads: 2, maxTokens });
writeFileSync(join(folder, 'model.onnx'), model);
writeFileSync(join(folder, 'tokenizer.json'), `${JSON.stringify(tokenizer(vocabulary))}\n`);
writeFileSync(
  join(folder, 'tokenizer_config.json'),
  `${JSON.stringify({ model_max_length: maxTokens, pad_token: '[PAD]' })}\n`,
);

/** What is no word is spelt: every letter and digit stands alone and as a part. */
function vocabularyOf(words: string): string[] {
  const characters = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
  const common = words.split('\n').filter((word) => /^[a-z]{2,}$/.test(word));
  return [
    ...special,
    ...'.,;:!?\'"()-/$%&@',
    ...characters,
    ...characters.map((character) => `##${character}`),
    ...common.slice(0, WORDS),
  ];
}

/** As BERT's, in the format of Hugging Face's tokenizers. */
function tokenizer(vocabulary: readonly string[]) {
  const added = special.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [token('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, token('[SEP]')],
      pair: [
        token('[CLS]'),
        { Sequence: { id: 'A', type_id: 0 } },
        token('[SEP]'),
        { Sequence: { id: 'B', type_id: 1 } },
        { SpecialToken: { id: '[SEP]', type_id: 1 } },
      ],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((id) => [id, { id, ids: [vocabulary.indexOf(id)], tokens: [id] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
    },
  };
}
