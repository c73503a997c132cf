// The app's models in the stores that its functions read, as `glowplug deploy` would publish them.
import type { Credentials } from '../core/contract.ts';
import type { CloudTemplate } from './template/template.ts';

/** Each of `stores`, which functions read, is given the app's models, so that every pinned version is there. */
export async function publishModels(
  root: string,
  stores: readonly string[],
  where: { readonly region: string; readonly s3Endpoint: string; readonly credentials: Credentials },
  onProgress: (message: string) => void,
): Promise<void> {
  if (stores.length === 0) return;
  const { openStore, publishAll } = await import('../release/index.ts');
  for (const store of stores) {
    await publishAll({
      root,
      store: await openStore({ ...where, store }),
      // Its beginning is news; the megabytes of a store on this machine are not.
      onProgress: (version, transfer) => transfer === undefined && onProgress(`publishing ${version}`),
    });
  }
}

/** The stores that its functions read. */
export function storesOf(template: CloudTemplate | undefined): string[] {
  return [...new Set(template?.functions.flatMap(({ environment }) => environment['GLOWPLUG_STORE'] ?? []))];
}
