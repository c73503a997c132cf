// The exact curl line of a request to a function URL.
import type { Sample } from './samples.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** curl signs SigV4 itself (7.75 and later); `file` is as the reader would type it. */
export function curlLine(
  url: string,
  sample: Pick<Sample, 'contentType'>,
  file: string,
  region: string,
  credentials: Credentials,
): string {
  return [
    `curl ${quote(url)}`,
    `--aws-sigv4 ${quote(`aws:amz:${region}:lambda`)}`,
    `--user ${quote(`${credentials.accessKeyId}:${credentials.secretAccessKey}`)}`,
    `-H ${quote(`content-type: ${sample.contentType}`)}`,
    `--data-binary ${quote(`@${file}`)}`,
  ].join(' ');
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
