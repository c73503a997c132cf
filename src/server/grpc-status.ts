// The status of a gRPC call that failed, from the HTTP status that the error's code has in the catalogue.
// Source: github.com/grpc/grpc/blob/master/doc/statuscodes.md.
import type { GlowplugError } from '../core/errors.ts';

const [INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED] = [3, 4, 5, 7, 8];
const [CANCELLED, FAILED_PRECONDITION, ABORTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED] = [
  1, 9, 10, 12, 13, 14, 16,
];

const statuses: Readonly<Record<number, number>> = {
  400: INVALID_ARGUMENT,
  401: UNAUTHENTICATED,
  403: PERMISSION_DENIED,
  404: NOT_FOUND,
  405: UNIMPLEMENTED,
  408: DEADLINE_EXCEEDED,
  409: ABORTED,
  // What grpc itself says of a message over its limit.
  413: RESOURCE_EXHAUSTED,
  422: FAILED_PRECONDITION,
  429: RESOURCE_EXHAUSTED,
  499: CANCELLED,
  500: INTERNAL,
  // The store's fault, for a while or not: not the caller's.
  502: UNAVAILABLE,
  503: UNAVAILABLE,
  504: DEADLINE_EXCEEDED,
  507: RESOURCE_EXHAUSTED,
};

export function statusOf({ status }: GlowplugError): number {
  return statuses[status] ?? INTERNAL;
}
