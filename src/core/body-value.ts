// What a body of text holds. Browsers read it too: nothing of Node is needed.

/** JSON's value, a list of them for JSON lines and for server-sent events; other text, and what is no JSON, as it is. */
export function bodyValue(contentType: string, text: string): unknown {
  const [type = ''] = contentType.toLowerCase().split(';', 1);
  if (/\b(ndjson|jsonl|json-lines)\s*$/.test(type)) return lines(text).map(jsonOrText);
  if (/^\s*text\/event-stream\s*$/.test(type)) {
    return lines(text).flatMap((line) => (line.startsWith('data:') ? [jsonOrText(line.slice(5))] : []));
  }
  return /^\s*text\//.test(type) ? text : jsonOrText(text);
}

function lines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
