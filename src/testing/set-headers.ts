// Puts headers that a function gave on an answer.
import type { ServerResponse } from 'node:http';

/** All of them, or none and false where HTTP cannot carry one. */
export function setHeaders(
  response: ServerResponse,
  headers: Readonly<Record<string, string | readonly string[]>>,
): boolean {
  try {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    return true;
  } catch {
    for (const name of Object.keys(headers)) response.removeHeader(name);
    return false;
  }
}
