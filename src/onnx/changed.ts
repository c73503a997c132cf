// Copies a message with other fields: passes are pure, and what they leave alone is shared with the model they were given.
import type { Message } from '@bufbuild/protobuf';

/** A shallow copy. Absent fields of proto2 have their defaults on the prototype, which a spread would lose. */
export function changed<M extends Message>(message: M, fields: Partial<M>): M {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message, fields);
}
