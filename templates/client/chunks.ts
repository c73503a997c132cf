// Part of clients whose answers come in parts.

/** The bytes of an answer as they come; leaving the loop ends the answer. */
export async function* chunks(response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    // Ends what was not read; of an answer that broke off there is nothing left to end.
    await reader.cancel().catch(() => {});
  }
}
