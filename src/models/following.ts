// What it takes to follow a channel: where it points, what lies there, and whether that can stand in for what was locked.
export { accepts } from './accepts.ts';
export { lookUp } from './look-up.ts';
export { resolve } from './resolve.ts';
