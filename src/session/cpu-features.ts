// What this processor can do. onnxruntime looks once, when its library is loaded, and runs the kernels that it chose then.
import { readFileSync } from 'node:fs';

/** The flags of the first processor; empty where the system does not tell. */
export function cpuFeatures(cpuinfo = '/proc/cpuinfo'): ReadonlySet<string> {
  try {
    // x86 calls them flags, arm Features.
    const [, flags = ''] = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync(cpuinfo, 'utf8')) ?? [];
    return new Set(flags.split(' ').filter(Boolean));
  } catch {
    return new Set();
  }
}
