// What a person reads of a raw e-mail: its subject and its text, decoded, without HTML's tags. No other header: who sent it, and
// over which hosts, tells this corpus apart far better than any other mail.

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** @param raw one character a byte (latin1) */
export function emailText(raw: string): string {
  const part = split(raw);
  const subject = encodedWords(part.headers.get('subject') ?? '');
  // Mailing lists put their name in front.
  return `${subject.replace(/^((re|fwd?|aw):\s*|\[[^\]]{0,40}\]\s*)+/i, '')}\n${bodyText(part)}`;
}

function split(raw: string): Part {
  // A part without headers begins with the empty line.
  const end = /(?:^|\r?\n)\r?\n/.exec(raw);
  const head = end ? raw.slice(0, end.index) : raw;
  const headers = new Map<string, string>();
  for (const line of head.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(line) ?? [];
    if (name && value !== undefined && !headers.has(name.toLowerCase())) headers.set(name.toLowerCase(), value);
  }
  return { headers, body: end ? raw.slice(end.index + end[0].length) : '' };
}

function bodyText({ headers, body }: Part, depth = 0): string {
  const type = headers.get('content-type') ?? 'text/plain';
  const boundary = /boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))/i.exec(type);
  if (/^multipart\//i.test(type) && boundary && depth < 4) {
    const parts = body.split(`--${boundary[1] ?? boundary[2]}`).slice(1);
    const texts = parts.filter((part) => !part.startsWith('--')).map((part) => split(part.replace(/^\r?\n/, '')));
    const plain = texts.filter((part) => /^text\/plain/i.test(part.headers.get('content-type') ?? 'text/plain'));
    // The same said twice, as plain text and as HTML, is said once.
    const chosen = /^multipart\/alternative/i.test(type) && plain.length > 0 ? plain : texts;
    return chosen.map((part) => bodyText(part, depth + 1)).join('\n');
  }
  if (!/^(text\/|message\/)/i.test(type)) return '';
  const decoded = decode(body, headers.get('content-transfer-encoding') ?? '', charsetOf(type));
  return /^text\/html/i.test(type) || /^\s*<(!doctype|html|head|body)/i.test(decoded) ? withoutTags(decoded) : decoded;
}

function decode(body: string, encoding: string, charset: string): string {
  const bytes = /base64/i.test(encoding)
    ? Buffer.from(body, 'base64')
    : Buffer.from(/quoted-printable/i.test(encoding) ? quotedPrintable(body) : body, 'latin1');
  return inCharset(bytes, charset);
}

function quotedPrintable(text: string): string {
  return text
    .replaceAll(/=[ \t]*\r?\n/g, '')
    .replaceAll(/=([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** RFC 2047: =?charset?B or Q?text?= */
function encodedWords(header: string): string {
  return header.replaceAll(/=\?([\w-]+)\?([bq])\?([^?]*)\?=/gi, (_all, charset: string, how: string, text: string) =>
    decode(
      how.toLowerCase() === 'b' ? text : text.replaceAll('_', ' '),
      how.toLowerCase() === 'b' ? 'base64' : 'quoted-printable',
      charset,
    ),
  );
}

function charsetOf(type: string): string {
  return /charset\s*=\s*"?([\w-]+)/i.exec(type)?.[1] ?? 'windows-1252';
}

/**
 * UTF-8 and windows-1252, which most Western mail is in whatever it says. Of another charset the ASCII is left: the model is of
 * English. The table is our own because Node 20's TextDecoder does not know 0x80 to 0x9f.
 */
function inCharset(bytes: Uint8Array, charset: string): string {
  if (/^utf-?8$/i.test(charset)) return new TextDecoder().decode(bytes);
  const text = Buffer.from(bytes).toString('latin1');
  if (!/^(us-ascii|ascii|default|iso-8859-15?|windows-1252|x?-?unknown)$/i.test(charset))
    return text.replaceAll(/[\x80-\xff]+/g, ' ');
  return text.replaceAll(/[\x80-\x9f]/g, (character) => upper[character.charCodeAt(0) - 0x80] ?? ' ');
}

/** 0x80 to 0x9f of windows-1252. */
const upper = [...'€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ'];

function withoutTags(html: string): string {
  return (
    html
      .replaceAll(/<!--[\s\S]*?-->/g, '')
      .replaceAll(/<(style|script)\b[\s\S]*?<\/\1\s*>/gi, ' ')
      // Within a word tags hide it from filters: vi<b></b>agra.
      .replaceAll(/<\/?(b|i|u|em|strong|font|span|a|big|small)\b[^>]*>/gi, '')
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/&(nbsp|amp|lt|gt|quot|#\d{1,5});/gi, (_all, name: string) => entity(name.toLowerCase()))
  );
}

function entity(name: string): string {
  if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
  return { nbsp: ' ', amp: '&', lt: '<', gt: '>', quot: '"' }[name] ?? ' ';
}
