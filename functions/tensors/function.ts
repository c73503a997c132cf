// Any model of the store over the Open Inference Protocol: tensors in, tensors out, and not a line of code of its own.
import { inference } from 'glowplug';

export const handler = inference({ models: { model: 'iris:prod' } });
