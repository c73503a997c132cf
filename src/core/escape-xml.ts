// Text into XML and HTML, between tags and in attributes of double quotes.

export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
