// What the contract does not say: wire-level faults, races with a known order, and what is left on the disk.

import { open, readdir } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { AwsClient } from 'aws4fetch';
import { describe, expect, it } from 'vitest';
import { listen } from '../../../src/testing/listen.ts';
import { startS3Server } from '../../../src/testing/s3/server.ts';
import { refusal, useBench } from './contract/endpoint.ts';
import { credentials, temporaryServer } from './temporary-server.ts';

describe('the local S3 server', () => {
  let folder = '';
  const bench = useBench(async () => {
    const server = await temporaryServer();
    folder = server.folder;
    return server;
  });
  const dataFiles = () => readdir(join(folder, 'buckets', bench().bucket, 'data'));

  /** A signed PUT whose body is written by hand. */
  const begin = async (key: string, headers: Record<string, string>) => {
    const { endpoint, bucket } = bench();
    const client = new AwsClient({ ...credentials, service: 's3', region: endpoint.region, retries: 0 });
    const url = `${endpoint.url}/${bucket}/${key}`;
    const hash = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
    const signed = await client.sign(url, { method: 'PUT', headers: { ...hash, ...headers } });
    const request = httpRequest(url, { method: 'PUT', headers: { ...Object.fromEntries(signed.headers), ...headers } });
    const answer = new Promise<string>((resolve, reject) => {
      request.on('response', (response) => resolve(codeOf(response))).on('error', reject);
    });
    return { request, answer };
  };

  it('answers 409 ConditionalRequestConflict to If-Match when the key was deleted while the body travelled', async () => {
    const { s3, bucket: Bucket } = bench();
    const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'deleted', Body: 'x' }));
    const { request, answer } = await begin('deleted', {
      'if-match': ETag!,
      'content-length': '4',
      expect: '100-continue',
    });
    request.flushHeaders();
    // The server has looked at the key once it asks for the body.
    await new Promise((resolve) => request.once('continue', resolve));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'deleted' }));
    request.end('abcd');
    expect(await answer).toBe('409 ConditionalRequestConflict');
  });

  it('refuses before the body travels when a condition cannot hold', async () => {
    const { s3, bucket: Bucket } = bench();
    await s3.send(new PutObjectCommand({ Bucket, Key: 'taken', Body: 'x' }));
    const headers = { 'if-none-match': '*', 'content-length': '1000000', expect: '100-continue' };
    const { request, answer } = await begin('taken', headers);
    request.flushHeaders();
    expect(await answer).toBe('412 PreconditionFailed');
    request.destroy();
  });

  it('keeps nothing of an upload that breaks off', async () => {
    const before = await dataFiles();
    const { s3, bucket: Bucket } = bench();
    const { request, answer } = await begin('broken', { 'content-length': '1000000', expect: '100-continue' });
    request.flushHeaders();
    await new Promise((resolve) => request.once('continue', resolve));
    request.write(Buffer.alloc(200_000));
    request.destroy();
    await expect(answer).rejects.toThrow();
    await expect.poll(dataFiles).toEqual(before);
    expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key: 'broken' })))).toBe('404 NoSuchKey');
  });

  it('deletes the bytes of what was replaced, but not from under a reader', async () => {
    const { s3, bucket: Bucket } = bench();
    const Body = Buffer.alloc(20 * 2 ** 20, 1);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'read', Body }));
    const before = (await dataFiles()).length;
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'read' }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'read', Body: 'new' }));
    const bytes = await got.Body!.transformToByteArray();
    expect(Buffer.compare(bytes, Body)).toBe(0);
    await expect.poll(async () => (await dataFiles()).length).toBe(before);
  });

  it('replaces a record by another file, so that a kill never finds half of one', async () => {
    const { s3, newBucket } = bench();
    const Bucket = await newBucket();
    const keys = join(folder, 'buckets', Bucket, 'keys');
    // Held open: its inode is not given to the next file.
    const put = async (Body: string) => {
      await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body }));
      return open(join(keys, (await readdir(keys))[0]!));
    };
    await using old = await put('old');
    await using renewed = await put('new');
    expect((await renewed.stat()).ino).not.toBe((await old.stat()).ino);
    expect(await old.readFile('utf8')).toContain('"size":3');
  });

  it('answers 501 NotImplemented to what it does not have, never 200', async () => {
    const { endpoint, bucket } = bench();
    const client = new AwsClient({ ...credentials, service: 's3', region: endpoint.region, retries: 0 });
    const call = async (path: string, init: RequestInit = {}) => {
      const answer = await client.fetch(`${endpoint.url}/${bucket}${path}`, init);
      return `${answer.status} ${/<Code>(\w+)/.exec(await answer.text())?.[1]}`;
    };
    expect(await call('/k?tagging', { method: 'PUT', body: '<Tagging/>' })).toBe('501 NotImplemented');
    expect(await call('?policy')).toBe('501 NotImplemented');
    expect(await call('/k', { method: 'PUT', body: 'x', headers: { 'x-amz-acl': 'public-read' } })).toBe(
      '501 NotImplemented',
    );
  });

  it.each([
    ['a target that is not a path', 'GET http:// HTTP/1.1', '400 InvalidURI'],
    ['a path that is not percent-encoded UTF-8', 'GET /%ff HTTP/1.1', '400 InvalidURI'],
    ['a parameter that comes twice', 'GET /b?prefix=a&prefix=b HTTP/1.1', '400 InvalidArgument'],
    ['a key of 1025 bytes', `GET /b/${'k'.repeat(1025)} HTTP/1.1`, '400 KeyTooLongError'],
  ])('refuses %s', async (_what, line, expected) => {
    const port = Number(new URL(bench().endpoint.url).port);
    const text = await raw(port, `${line}\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(`${text.slice(9, 12)} ${/<Code>(\w+)/.exec(text)?.[1]}`).toBe(expected);
  });

  it.each([
    ['no XML at all', 'nonsense'],
    ['an entity of its own', '<!DOCTYPE d [<!ENTITY e "x">]><Delete><Object><Key>&e;</Key></Object></Delete>'],
    ['no end', '<Delete><Object><Key>k</Key></Object>'],
    ['too deep a nesting', `${'<Delete>'.repeat(1000)}${'</Delete>'.repeat(1000)}`],
    ['no objects', '<Delete></Delete>'],
  ])('refuses a document with %s: 400 MalformedXML', async (_what, body) => {
    const { endpoint, bucket } = bench();
    const client = new AwsClient({ ...credentials, service: 's3', region: endpoint.region, retries: 0 });
    const answer = await client.fetch(`${endpoint.url}/${bucket}?delete`, { method: 'POST', body });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('<Code>MalformedXML</Code>')]);
  });

  it('says which port is taken, and what to do', async () => {
    await using taken = await listen(createServer(), 0);
    const start = startS3Server({ folder: join(folder, 'second'), credentials, port: taken.port });
    await expect(start).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`${taken.port}`),
    });
  });
});

async function codeOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const bytes of response) text += bytes;
  return `${response.statusCode} ${/<Code>(\w+)/.exec(text)?.[1] ?? ''}`.trim();
}

function raw(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.on('end', () => resolve(text)).on('error', reject);
  });
}
