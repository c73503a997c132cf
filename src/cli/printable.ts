// Text of strangers (names in a file, reasons in a history) as a terminal may show it.

/** Without control characters, which a terminal would obey, and not longer than a line. */
export function printable(text: string, limit = 60): string {
  const clean = text.replace(/\p{C}/gu, '�');
  return clean.length <= limit ? clean : `${clean.slice(0, limit)}…`;
}
