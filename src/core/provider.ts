// Where onnxruntime runs a model.

export const providers = ['tensorrt', 'cuda', 'webgpu', 'cpu'] as const;
export type Provider = (typeof providers)[number];
