// Operator → rule, for the operators whose shapes are understood.
import { elementwise } from './elementwise.ts';
import { makers } from './makers.ts';
import { movement } from './movement.ts';
import { products } from './products.ts';
import { reductions } from './reductions.ts';
import type { Rule } from './rule.ts';
import { windows } from './windows.ts';

/** Operators by their name as people write it. A map: a model may call an operator `constructor`. */
export const shapeRules: ReadonlyMap<string, Rule> = new Map(
  Object.entries({ ...elementwise, ...makers, ...movement, ...products, ...reductions, ...windows }),
);
