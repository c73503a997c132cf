// A full disk, where a real one cannot be had: writing fails as it does there, while a test says so.
export const disk = { full: false };

export function mustHaveRoom(): void {
  if (disk.full) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}

/** For vi.mock: `node:fs` on that disk, by which a model's bytes land. */
export function onFullDisk(real: typeof import('node:fs')) {
  return {
    ...real,
    writeSync(...args: [number, Uint8Array]) {
      mustHaveRoom();
      return real.writeSync(...args);
    },
  };
}
