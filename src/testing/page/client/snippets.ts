// The request as a terminal and as a program would send it.
import { html } from 'lit-html';
import { curlBody } from '../../curl-line.ts';
import type { PageFunction } from '../page-data.ts';
import type { Draft } from './state.ts';

export function snippets({ url, curl }: PageFunction, { contentType, body, file }: Draft) {
  const text = typeof body === 'string' ? body : undefined;
  const named = file ?? 'request.bin';
  const sent = file === undefined && text !== undefined ? { text } : { file: named };
  return html`<details class="snippets">
    <summary>The request elsewhere</summary>
    ${curl === undefined ? '' : html`<h3>curl</h3><pre tabindex="0">${curl} ${curlBody(contentType, sent)}</pre>`}
    <h3>TypeScript</h3>
    <pre tabindex="0">${typescript(url, contentType, text, named)}</pre>
  </details>`;
}

function typescript(url: string, contentType: string, text: string | undefined, file: string): string {
  const body = text === undefined ? `await readFile('${file}')` : JSON.stringify(text.trim());
  return [
    ...(text === undefined ? ["import { readFile } from 'node:fs/promises';"] : []),
    "import { AwsClient } from 'aws4fetch';",
    '',
    '// Credentials that may invoke the function; the local cloud’s stand in .glowplug/cloud.',
    'const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env;',
    "const client = new AwsClient({ accessKeyId, secretAccessKey, service: 'lambda', region: 'us-east-1' });",
    `const answer = await client.fetch('${url}', {`,
    "  method: 'POST',",
    `  headers: { 'content-type': '${contentType}' },`,
    `  body: ${body},`,
    '});',
    'console.log(await answer.text());',
  ].join('\n');
}
