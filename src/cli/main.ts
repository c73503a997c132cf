#!/usr/bin/env node
// The command line's entry: everything it can do is in program.ts.
import { buildProgram } from './program.ts';

await buildProgram().parseAsync();
