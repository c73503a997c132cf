// What it takes to run another version than the locked one: where a channel points, what lies there, whether that can stand
// in for what was locked, and how far its outputs are from the answer's.
export { accepts } from '../models/accepts.ts';
export { lookUp } from '../models/look-up.ts';
export { resolve } from '../models/resolve.ts';
export { ShadowRun } from './shadow-run.ts';
