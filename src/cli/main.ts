#!/usr/bin/env node
// The command line's entry: everything it can do is in program.ts.
import { buildProgram } from './program.ts';

// `glowplug inspect … | head`: who reads has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

await buildProgram().parseAsync();
