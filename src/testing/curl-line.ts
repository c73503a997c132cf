// The exact curl line of a request to a function URL. The page's part in the browser shares it: nothing of Node's here.

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** `file` is as the reader would type it. */
export function curlLine(
  url: string,
  { contentType }: { readonly contentType: string },
  file: string,
  region: string,
  credentials: Credentials,
): string {
  return `${signedCurl(url, region, credentials)} ${curlBody(contentType, { file })}`;
}

/** curl signs SigV4 itself (7.75 and later). */
export function signedCurl(url: string, region: string, { accessKeyId, secretAccessKey }: Credentials): string {
  return [
    `curl ${quote(url)}`,
    `--aws-sigv4 ${quote(`aws:amz:${region}:lambda`)}`,
    `--user ${quote(`${accessKeyId}:${secretAccessKey}`)}`,
  ].join(' ');
}

/** What follows: the body is a file's, or text, of which an @ at the beginning names no file. */
export function curlBody(contentType: string, body: { readonly file: string } | { readonly text: string }): string {
  const data = 'file' in body ? `--data-binary ${quote(`@${body.file}`)}` : `--data-raw ${quote(body.text)}`;
  return `-H ${quote(`content-type: ${contentType}`)} ${data}`;
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
