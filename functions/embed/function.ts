// Turns texts into vectors: texts in, embeddings out. Put the reference of your own encoder in the toy's place.
import { inference, texts } from 'glowplug';
import { embed } from './embed.ts';
import { encoderSettings } from './encoder-settings.ts';

export const handler = inference({
  models: { encoder: 'toy-encoder:prod' },
  input: texts({ maxTexts: 64, maxCharacters: 20_000 }),
  warm: async ({ encoder }) => void (await encoderSettings(encoder)),
  predict: ({ texts }, { encoder }) => embed(texts, encoder),
  encode: (embedded) =>
    Response.json({
      embeddings: embedded.map(({ vector }) => Array.from(vector, rounded)),
      tokens: embedded.map(({ tokens }) => tokens),
      windows: embedded.map(({ windows }) => windows),
    }),
});

/** A 32-bit float has seven digits; JSON would write seventeen. */
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}
