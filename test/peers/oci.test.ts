// A model is copied out with an independent OCI implementation: oras (Go).
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import iris from '../../models/iris.ts';
import { prune } from '../../src/models/prune.ts';
import { publish } from '../../src/models/publish.ts';
import { resolve } from '../../src/models/resolve.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { tag } from '../../src/models/tag.ts';
import { buildVersion } from '../../src/release/build-version.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { root } from '../root.ts';
import { twoVariants } from '../versions/two-variants.ts';
import { wholeTags } from '../versions/whole.ts';
import { goPeer } from './installed.ts';

const peer = await goPeer('oras.land/oras/cmd/oras', 'v1.3.6');

if ('missing' in peer) {
  it.skip(`oras: ${peer.missing}`, () => {});
} else {
  const oras = (...args: string[]) =>
    execFileSync(peer.path, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  describe('oras', () => {
    it('lists the tags of a model, resolves one, and copies a version out, byte for byte', async () => {
      await using folder = await temporaryFolder();
      const store = folderStore(join(folder.path, 'store'));
      const { locked } = await publish(store, await buildVersion(iris, root));
      await tag(store, 'iris', { from: '1.0.0', to: 'prod' });
      await store.put(`iris/blobs/sha256/${'0'.repeat(64)}`, Buffer.from('orphan'), { ifNoneMatch: '*' });
      await prune(store, 'iris', { before: Date.now() + 60_000, remove: true });
      const layout = join(folder.path, 'store', 'iris');
      expect(oras('repo', 'tags', '--oci-layout', layout).trim().split('\n').sort()).toEqual(['1.0.0', 'prod']);
      expect(oras('resolve', '--oci-layout', `${layout}:prod`).trim()).toBe(locked.digest);
      const manifest = JSON.parse(oras('manifest', 'fetch', '--oci-layout', `${layout}:prod`));
      expect(manifest.artifactType).toBe('application/vnd.cncf.model.manifest.v1+json');
      const copy = join(folder.path, 'copy', 'iris');
      oras('cp', '--from-oci-layout', '--to-oci-layout', `${layout}:1.0.0`, `${copy}:1.0.0`);
      const copied = folderStore(join(folder.path, 'copy'));
      expect(await wholeTags(copied, 'iris')).toEqual(['1.0.0']);
      expect(await resolve(copied, 'iris:1.0.0')).toEqual(locked);
    });

    it('copies a version of two variants, the index and both of its manifests', async () => {
      await using folder = await temporaryFolder();
      const store = folderStore(join(folder.path, 'store'));
      const { locked } = await publish(store, twoVariants());
      const [from, to] = [join(folder.path, 'store', 'tiny'), join(folder.path, 'copy', 'tiny')];
      oras('cp', '--from-oci-layout', '--to-oci-layout', `${from}:1.0.0`, `${to}:1.0.0`);
      const copied = folderStore(join(folder.path, 'copy'));
      expect(await wholeTags(copied, 'tiny')).toEqual(['1.0.0']);
      expect(await resolve(copied, 'tiny:1.0.0')).toEqual(locked);
      expect(await resolve(copied, 'tiny:1.0.0#int8')).toMatchObject({ variant: 'int8' });
      const blobs = readdirSync(join(to, 'blobs/sha256')).sort();
      expect(blobs).toEqual(readdirSync(join(from, 'blobs/sha256')).sort());
      for (const name of blobs) {
        const [one, other] = [from, to].map((layout) => readFileSync(join(layout, 'blobs/sha256', name)));
        expect(Buffer.compare(one!, other!)).toBe(0);
      }
    });
  });
}
