// Part of clients whose answers come whole.

/** JSON as its value, text as a string, anything else as a Blob. */
export async function readAnswer<T>(response: Response): Promise<T>;
export async function readAnswer(response: Response): Promise<unknown> {
  const type = response.headers.get('content-type') ?? '';
  if (type.includes('json')) return JSON.parse(await response.text());
  return type.startsWith('text/') ? await response.text() : await response.blob();
}
