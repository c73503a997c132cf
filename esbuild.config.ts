// The one bundling recipe, and the script that bundles every function with it (the last step of `npm run build`).
import { relative } from 'node:path';
import { bundleFunction, findFunctions, GlowplugError } from 'glowplug/build';

export { recipe } from 'glowplug/build';

if (import.meta.main) bundleAll();

function bundleAll(): void {
  try {
    for (const { name, entry } of findFunctions(import.meta.dirname)) {
      const { path, bytes, externals } = bundleFunction({ entry, root: import.meta.dirname });
      const layers = externals.length > 0 ? `, with ${externals.join(' and ')} from layers` : '';
      console.log(`${name}: ${relative('', path)}, ${Math.ceil(bytes / 1024)} KB${layers}`);
    }
  } catch (error) {
    if (!(error instanceof GlowplugError)) throw error;
    console.error(`${error.code}: ${error.message}\n${error.remedy}`);
    process.exitCode = 1;
  }
}
