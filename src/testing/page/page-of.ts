// What the page shows of a local cloud.
import type { RequestListener } from 'node:http';
import { join, relative } from 'node:path';
import { SingleFlight } from '../../core/single-flight.ts';
import { listModels, listVersions } from '../../models/list-models.ts';
import type { CloudFunction } from '../cloud-function.ts';
import { signedCurl } from '../curl-line.ts';
import type { CloudIdentity } from '../runtime/function-spec.ts';
import { readSample, type Sample } from '../samples.ts';
import { declaredInput } from './declared-input.ts';
import type { InvocationFeed } from './invocation-feed.ts';
import type { MetricFeed } from './metric-feed.ts';
import type { PageFunction, PageInput, PageModel } from './page-data.ts';
import { pageListener } from './page-listener.ts';

export interface PageSubject {
  /** The app's folder. */
  readonly root: string;
  readonly feed: InvocationFeed;
  readonly metrics: MetricFeed;
  readonly where: CloudIdentity & { readonly s3Endpoint: string };
  functions(): CloudFunction[];
  /** Locations of the stores that functions read. */
  stores(): string[];
}

export function pageOf({ root, feed, metrics, where, functions, stores }: PageSubject): RequestListener {
  const find = (name: string) => functions().find((each) => each.name === name);
  const sampleOf = (name: string) => (find(name) ? readSample(join(root, 'functions', name), name) : undefined);
  const inputs = new SingleFlight<PageInput | undefined>();
  return pageListener({
    feed,
    metrics,
    functions: () => functions().map((each) => described(each, sampleOf(each.name))),
    sample: sampleOf,
    input: async (name) => {
      const spec = find(name)?.spec;
      // The folder is named by its content: a reload asks anew.
      return spec && (await inputs.run(`${spec.codeFolder} ${spec.handler}`, () => declaredInput(spec, where)));
    },
    models: async () => (await Promise.all(stores().map(modelsOf))).flat(),
    send: async (name, path, init) =>
      (await find(name)?.fetch(path, init)) ?? Response.json({ error: `no function ${name}` }, { status: 404 }),
  });

  function described({ name, url, spec }: CloudFunction, sample: Sample | undefined): PageFunction {
    const file = sample && relative(root, sample.file);
    return {
      name,
      url,
      memoryMb: spec.memoryMb,
      timeoutMs: spec.timeoutMs,
      sample: sample && file !== undefined ? { file, contentType: sample.contentType } : undefined,
      curl: url === '' ? undefined : signedCurl(url, where.region, where.credentials),
    };
  }

  async function modelsOf(location: string): Promise<PageModel[]> {
    const { openStore } = await import('../../release/index.ts');
    const store = await openStore({ ...where, store: location });
    const listed = await listModels(store);
    return await Promise.all(
      listed.map(async ({ model, channels }) => ({
        store: location,
        model,
        channels,
        versions: (await listVersions(store, model)).map(({ version, digest, size }) => ({ version, digest, size })),
      })),
    );
  }
}
