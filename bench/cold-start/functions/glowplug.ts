// The same with glowplug.
import { inference, json, tensor } from 'glowplug';
import { summary, values, wanted } from './models.ts';

const models = wanted();
/** Whatever comes: a schema of the owner's own choice is not what is measured. */
const anything = { '~standard': { version: 1 as const, vendor: 'bench', validate: (value: unknown) => ({ value }) } };

export const handler = inference({
  models: Object.fromEntries(models.map(({ name }) => [name, `${name}:prod`])),
  input: json(anything),
  async predict(_input, opened) {
    const answers: Record<string, unknown> = {};
    for (const { name, shape } of models) {
      const model = opened[name];
      if (!model) throw new Error(`no model ${name}`);
      const output = await model.run({ x: tensor('FP32', shape, values(shape)) });
      const first = Object.values(output)[0];
      if (!(first?.data instanceof Float32Array)) throw new Error(`${name} gave no FP32`);
      answers[name] = summary(first.data);
    }
    return answers;
  },
});
