// Rows in columns for people.
import { printLine } from './print.ts';
import { printable } from './printable.ts';

type Style = (text: string) => string;

/** Each column as wide as its widest cell; a style colours a column after it was measured. */
export function printTable(rows: readonly (readonly string[])[], styles: readonly (Style | undefined)[] = []): void {
  const clean = rows.map((row) => row.map((cell) => printable(cell, 100)));
  const widths: number[] = [];
  for (const row of clean) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  for (const row of clean) {
    const last = row.findLastIndex((cell) => cell !== '');
    const cells = row.slice(0, last + 1).map((cell, column) => {
      const padded = column === last ? cell : cell.padEnd(widths[column] ?? 0);
      return styles[column]?.(padded) ?? padded;
    });
    printLine(cells.join('  '));
  }
}
