// Lines as a reader takes them: rows from top to bottom, inside a row from left to right, the page held upright first.
import { boundingBox, distance, type Point, type Quad } from 'glowplug/process';

/** Two lines are in one row when their middles differ by less than half of the lower one's height. */
export function readingOrder<T extends { readonly box: Quad }>(lines: readonly T[]): T[] {
  const quarters = quartersOf(lines);
  const placed = lines
    .map((line) => {
      const { left, top, bottom } = boundingBox(line.box.map((point) => turnBack(point, quarters)));
      return { line, left, middle: (top + bottom) / 2, height: bottom - top };
    })
    .sort((a, b) => a.middle - b.middle || a.left - b.left);
  const rows: (typeof placed)[] = [];
  for (const next of placed) {
    const first = rows.at(-1)?.[0];
    const sameRow = first && next.middle - first.middle < Math.min(first.height, next.height) / 2;
    if (sameRow) rows.at(-1)?.push(next);
    else rows.push([next]);
  }
  return rows.flatMap((row) => row.sort((a, b) => a.left - b.left).map(({ line }) => line));
}

/** By how many quarters of a turn, clockwise, most of the text is turned, each line counting by its length. */
function quartersOf(lines: readonly { readonly box: Quad }[]): number {
  const lengths = [0, 0, 0, 0];
  for (const { box } of lines) {
    const angle = Math.atan2(box[1][1] - box[0][1], box[1][0] - box[0][0]);
    lengths[(Math.round(angle / (Math.PI / 2)) + 4) % 4]! += distance(box[0], box[1]);
  }
  return lengths.indexOf(Math.max(...lengths));
}

function turnBack([x, y]: Point, quarters: number): Point {
  switch (quarters) {
    case 1:
      return [y, -x];
    case 2:
      return [-x, -y];
    case 3:
      return [-y, x];
    default:
      return [x, y];
  }
}
