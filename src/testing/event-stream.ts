// One frame of AWS's event streams: lengths, headers, payload, and a CRC of each part.
// Source: Smithy 2.0, "Amazon Event Stream Specification".
import { crc32 } from 'node:zlib';

/** Two lengths and their CRC before the headers, one CRC after the payload. */
const [preludeBytes, crcBytes] = [12, 4];
/** Header values that are text. */
const textType = 7;

export function eventFrame(eventType: string, contentType: string, payload: Uint8Array): Buffer {
  const headers = Buffer.concat([
    header(':message-type', 'event'),
    header(':event-type', eventType),
    header(':content-type', contentType),
  ]);
  const frame = Buffer.alloc(preludeBytes + headers.length + payload.length + crcBytes);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(headers.length, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  frame.set(headers, preludeBytes);
  frame.set(payload, preludeBytes + headers.length);
  frame.writeUInt32BE(crc32(frame.subarray(0, -crcBytes)), frame.length - crcBytes);
  return frame;
}

function header(name: string, value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(value));
  return Buffer.concat([
    Buffer.of(Buffer.byteLength(name)),
    Buffer.from(name),
    Buffer.of(textType),
    length,
    Buffer.from(value),
  ]);
}
