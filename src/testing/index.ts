// glowplug/testing: the app in a local cloud, for tests and for development.

export { startLocalCloud } from './cloud.ts';
export type { ColdStartBudget, ColdStartOptions, ColdStartReport } from './cold-start.ts';
export { type ColdStartMatchers, coldStartMatchers } from './cold-start-matchers.ts';
export { type FakeModel, type FakeModelOptions, fakeModel } from './fake-model.ts';
export type { DuplicateFault, Fault, Faults, KillFault, S3Fault } from './faults.ts';
export type { LocalCloud, LocalCloudFunction, LocalCloudOptions } from './local-cloud.ts';
export { type TensorMatchers, type Tolerance, tensorMatchers } from './tensor-matchers.ts';
