// The XML that S3 speaks: written from nested pairs, read without DTDs, entities of one's own, or deep nesting.

export type XmlNode = readonly [name: string, content: string | number | boolean | readonly XmlNode[] | undefined];

export interface XmlElement {
  readonly name: string;
  /** Text directly inside, entities resolved. */
  text: string;
  readonly children: XmlElement[];
}

/**
 * A whole document. A node whose content is undefined is left out.
 *
 * @example
 * xml('Error', [['Code', 'NoSuchKey']])
 */
export function xml(root: string, nodes: readonly XmlNode[], attributes = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attributes}>${nodes.map(render).join('')}</${root}>`;
}

export const s3Namespace = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

/** undefined when the text is not well-formed, or uses what S3 requests never do. */
export function parseXml(text: string): XmlElement | undefined {
  const root: XmlElement = { name: '', text: '', children: [] };
  const open = [root];
  let at = 0;
  for (const token of text.matchAll(/<([^<>]*)>|([^<]+)/g)) {
    if (token.index > at) return undefined;
    at += token[0].length;
    const [, tag, content] = token;
    if (content !== undefined) {
      const resolved = resolveEntities(content);
      if (resolved === undefined || (open.length === 1 && resolved.trim() !== '')) return undefined;
      open.at(-1)!.text += resolved;
    } else if (tag !== undefined && !(tag.startsWith('?xml') && root.children.length === 0)) {
      if (!enter(tag, open)) return undefined;
    }
  }
  const [document, ...others] = root.children;
  return at === text.length && open.length === 1 && others.length === 0 ? document : undefined;
}

export function childText(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text;
}

// No S3 request nests deeper than five.
const maxDepth = 16;

/** Applies one tag to the stack of open elements; false when it does not fit. Comments and DTDs do not. */
function enter(tag: string, open: XmlElement[]): boolean {
  const [, closing, name, , empty] = /^(\/?)([A-Za-z_][\w.:-]*)(\s[^/]*|\s.*")?(\/?)$/.exec(tag) ?? [];
  if (name === undefined) return false;
  if (closing === '/') return open.length > 1 && open.pop()?.name === name;
  const element: XmlElement = { name, text: '', children: [] };
  open.at(-1)!.children.push(element);
  if (empty !== '/') open.push(element);
  return open.length <= maxDepth;
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function resolveEntities(text: string): string | undefined {
  let broken = false;
  const resolved = text.replace(/&([^;&]{0,10});?/g, (whole, name: string) => {
    const code = /^#(?:x([0-9a-fA-F]+)|([0-9]+))$/.exec(name);
    const point = code ? Number.parseInt(code[1] ?? code[2]!, code[1] ? 16 : 10) : undefined;
    const character =
      point === undefined ? entities[name] : point <= 0x10ffff ? String.fromCodePoint(point) : undefined;
    if (character === undefined || !whole.endsWith(';')) broken = true;
    return character ?? '';
  });
  return broken ? undefined : resolved.replaceAll('\r\n', '\n');
}

function render([name, content]: XmlNode): string {
  if (content === undefined) return '';
  const inside = typeof content === 'object' ? content.map(render).join('') : escapeXml(String(content));
  return `<${name}>${inside}</${name}>`;
}

/** Control characters go out as references, as S3 sends them; a strict reader asks for encoding-type=url instead. */
function escapeXml(text: string): string {
  return text.replace(/[&<>"\p{Cc}\ufffe\uffff]/gu, (character) => {
    const name = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' }[character];
    return name ? `&${name};` : `&#x${character.charCodeAt(0).toString(16)};`;
  });
}
