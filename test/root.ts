import { resolve } from 'node:path';

/** This repository. */
export const root = resolve(import.meta.dirname, '..');
