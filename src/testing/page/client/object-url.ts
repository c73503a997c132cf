// A URL for a file's bytes, the same for the same file, let go when the file is.
const urls = new WeakMap<Blob, string>();
const release = new FinalizationRegistry((url: string) => URL.revokeObjectURL(url));

export function objectUrl(blob: Blob): string {
  const known = urls.get(blob);
  if (known !== undefined) return known;
  const url = URL.createObjectURL(blob);
  urls.set(blob, url);
  release.register(blob, url);
  return url;
}
