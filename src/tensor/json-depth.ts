// How deep a JSON text nests, before anything parses it: what is parsed deep is later walked by code that recurses.

/** Whether `text` opens more than `limit` arrays and objects inside each other. What is no JSON may be judged either way. */
export function isDeeperThan(text: string, limit: number): boolean {
  // Most texts have fewer brackets than the limit; finding them so is a search for a byte.
  if (hasAtMost(text, limit)) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x5b:
      case 0x7b:
        if (++depth > limit) return true;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
      case 0x22:
        at = endOfString(text, at);
    }
  }
  return false;
}

function hasAtMost(text: string, limit: number): boolean {
  let count = 0;
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++count > limit) return false;
    }
  }
  return true;
}

/** Index of the closing quote; the text's length where there is none. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
