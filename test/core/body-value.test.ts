import { describe, expect, it } from 'vitest';
import { bodyValue } from '../../src/core/body-value.ts';

describe('bodyValue', () => {
  it.each<[string, string, unknown]>([
    ['application/json', '{"a":1}', { a: 1 }],
    ['', '[1]', [1]],
    ['', 'hello', 'hello'],
    ['text/plain; charset=utf-8', '12', '12'],
    ['application/json', '{"a":', '{"a":'],
    ['application/x-ndjson', '{"a":1}\n{"b":2}\n', [{ a: 1 }, { b: 2 }]],
    ['application/X-NDJSON; charset=utf-8', '{"a":1}\r\n{"b":', [{ a: 1 }, '{"b":']],
    ['application/jsonl', '', []],
    ['text/event-stream', 'data: 1\n\nevent: error\ndata: {"code":"X"}\n\n', [1, { code: 'X' }]],
  ])('of %s %j is %j', (contentType, text, value) => {
    expect(bodyValue(contentType, text)).toEqual(value);
  });
});
