// Text of strangers (names in a file, reasons in a history) as a terminal may show it.

/** Without control characters, which a terminal would obey, and not longer than a line. */
export function printable(text: string, limit = 60): string {
  const clean = text.replace(/\p{C}/gu, '�');
  return clean.length <= limit ? clean : `${clean.slice(0, limit)}…`;
}

/** A line of a log, whose \r are line breaks inside a message, as in CloudWatch: `below` begins each further line of it. */
export function printableLines(line: string, below: string): string {
  return printableLog(line).replaceAll('\r', `\n${below}`);
}

/** A log's text, with its lines, tabs and colours, which end with it; what else a terminal would obey is a sign. */
export function printableLog(text: string): string {
  const clean = text.replace(
    /(\p{Cc}|[\u202a-\u202e\u2066-\u2069])(\[[\d;]*m)?/gu,
    (found, sign: string, colour = '') => {
      const kept = sign === '\u001b' ? colour !== '' : /[\t\r\n]/.test(sign);
      return kept ? found : `�${colour}`;
    },
  );
  return clean.includes('\u001b') ? `${clean}\u001b[0m` : clean;
}
