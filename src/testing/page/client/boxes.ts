// Boxes of an answer, drawn over the picture that was sent.
import { html, svg } from 'lit-html';
import { objectUrl } from './object-url.ts';
import { changed } from './state.ts';

interface Box {
  /** In pixels of the picture, around the box. */
  readonly corners: readonly (readonly [number, number])[];
  readonly label: string;
}

/** Anything in the answer with a `box`: four corners, or left, top, right and bottom. */
export function boxesIn(value: unknown): Box[] {
  if (Array.isArray(value)) return value.flatMap(boxesIn);
  if (typeof value !== 'object' || value === null) return [];
  const corners = 'box' in value ? cornersOf(value.box) : undefined;
  if (!corners) return Object.values(value).flatMap(boxesIn);
  const label = Object.entries(value).find(([, each]) => typeof each === 'string')?.[1];
  const score = Object.entries(value).find(([key, each]) => typeof each === 'number' && key !== 'angle')?.[1];
  return [
    { corners, label: [label, typeof score === 'number' ? score.toFixed(2) : undefined].filter(Boolean).join(' · ') },
  ];
}

function cornersOf(box: unknown): Box['corners'] | undefined {
  if (!Array.isArray(box)) return undefined;
  const [left, top, right, bottom] = box;
  if (box.length === 4 && [left, top, right, bottom].every((each) => typeof each === 'number')) {
    return [
      [left, top],
      [right, top],
      [right, bottom],
      [left, bottom],
    ];
  }
  return box.length >= 3 && box.every(isPoint) ? box : undefined;
}

function isPoint(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((each) => typeof each === 'number');
}

const sizes = new WeakMap<Blob, { width: number; height: number }>();

export function pictureWithBoxes(blob: Blob, boxes: readonly Box[]) {
  const size = sizes.get(blob);
  const measure = ({ target }: Event) => {
    if (!(target instanceof HTMLImageElement)) return;
    const { naturalWidth: width, naturalHeight: height } = target;
    // An old answer's boxes are not drawn over another picture: each has its own size.
    if (size?.width === width && size.height === height) return;
    sizes.set(blob, { width, height });
    changed();
  };
  return html`<figure class="picture">
    <img src=${objectUrl(blob)} alt="The picture that is sent" @load=${measure} />
    ${
      size && boxes.length > 0
        ? html`<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${boxes.length} boxes">
          ${boxes.map(
            ({ corners, label }) => svg`<g>
              <title>${label}</title>
              <polygon points=${corners.map((corner) => corner.join(',')).join(' ')} vector-effect="non-scaling-stroke" />
            </g>`,
          )}
        </svg>`
        : ''
    }
  </figure>`;
}
