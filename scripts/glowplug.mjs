#!/usr/bin/env node
// `npx glowplug` in a clone of this repository: run.mjs links it, as npm links what is installed.
process.argv.splice(2, 0, 'glowplug');
await import('./run.mjs');
