// Runs __name__ on the tensors that come, and speaks the Open Inference Protocol under /v2/.
import { inference } from 'glowplug';

export const handler = inference({ models: { model: '__name__:prod' } });
