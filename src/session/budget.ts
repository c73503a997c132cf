// How much memory sessions may take, and how much one will.
import { totalmem } from 'node:os';

/** RSS after loading, against the file's size: 230 − 51 MB for a file of 100 MB loaded from a path, prepacked. */
const RESIDENT_PER_BYTE = 1.8;
/** Node, the bundle and onnxruntime before any model: 115 MB of RSS measured, with room for one request's tensors. */
const BASE_BYTES = 160e6;

/** Bytes a session over a model file of `fileBytes` is counted with. */
export function residentBytes(fileBytes: number): number {
  return Math.ceil(fileBytes * RESIDENT_PER_BYTE);
}

/** Bytes that mapped weights are counted with: their pages, once, when they were touched. */
export function mappedBytes(fileBytes: number): number {
  return fileBytes;
}

/**
 * Bytes for sessions: what Lambda gives less the base; half of the machine where no limit is set. Each of the `sharers` of
 * one process has its own sessions and an equal part.
 */
export function budgetFor(memoryMb: number | undefined, sharers = 1): number {
  return (memoryMb === undefined ? totalmem() / 2 : Math.max(0, memoryMb * 2 ** 20 - BASE_BYTES)) / sharers;
}

/** MB of a function in which sessions of `bytes` fit: the inverse of `budgetFor`. */
export function memoryFor(bytes: number): number {
  return Math.ceil((bytes + BASE_BYTES) / 2 ** 20);
}
