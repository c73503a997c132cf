/** Whether a path is the Open Inference Protocol's at all. */
export function isProtocolPath(path: string): boolean {
  return path === '/v2' || path.startsWith('/v2/');
}
