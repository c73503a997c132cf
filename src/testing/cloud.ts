// The local cloud: the app's synthesised template, running on this machine without Docker and without AWS.
import { existsSync, mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { projectRoot } from '../build/project.ts';
import { systemClock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import { createBucket } from './buckets.ts';
import { CloudFunction } from './cloud-function.ts';
import { codeFolder, removeStaleAssets } from './code-folder.ts';
import { measureColdStart } from './cold-start.ts';
import { localCredentials } from './credentials.ts';
import { debugged } from './debugged.ts';
import { Deployment } from './deployment.ts';
import { asDiskError } from './disk-error.ts';
import { AsyncInvoker, defaultAsyncSettings } from './events/async-invoker.ts';
import { Schedules } from './events/schedules.ts';
import { createFaults } from './faults.ts';
import { apiPath, httpApiListener } from './http-api.ts';
import type { Invocation } from './invocation.ts';
import { lambdaApiListener } from './lambda-api.ts';
import { listen } from './listen.ts';
import { albPath, loadBalancerListener } from './load-balancer.ts';
import type { LocalCloud, LocalCloudOptions } from './local-cloud.ts';
import { LocalSecrets, secretsTargets } from './local-secrets.ts';
import { LogFiles } from './log-files.ts';
import { InvocationFeed } from './page/invocation-feed.ts';
import { MetricFeed } from './page/metric-feed.ts';
import { pagePath } from './page/page-listener.ts';
import { pageOf } from './page/page-of.ts';
import { publishModels, storesOf } from './publish-models.ts';
import { Fleet } from './runtime/fleet.ts';
import { functionArn } from './runtime/function-spec.ts';
import { Reaper } from './runtime/reaper.ts';
import { s3Listener } from './s3/server.ts';
import { spoiling } from './s3/spoil.ts';
import { EventSources } from './sqs/event-sources.ts';
import { LocalQueues } from './sqs/local-queues.ts';
import { EditedCode } from './template/edited-code.ts';
import { synthesize } from './template/synthesize.ts';
import { type CloudTemplate, readTemplate } from './template/template.ts';

const region = 'us-east-1';
const account = '000000000000';
/** The services share a port: no bucket is called like an API's date, and only SQS and Secrets Manager have this header. */
const lambdaPaths = /^\/(2015-03-31|2021-11-15)\//;
const sqsTargets = 'AmazonSQS.';

/**
 * Synthesises the app and runs it.
 *
 * @example
 * await using cloud = await startLocalCloud();
 * const answer = await cloud.function('iris').fetch('/', { method: 'POST', body: '{"sepalLength":5.1}' });
 */
export async function startLocalCloud(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  if (Number.parseInt(process.versions.node, 10) < 24) {
    throw new GlowplugError('CONFIG_INVALID', `functions run here on the Node that runs this, ${process.version}`, {
      remedy: 'Run it with Node 24, which is Lambda’s nodejs24.x, or a newer one.',
    });
  }
  try {
    await using resources = new AsyncDisposableStack();
    return await start(options, resources);
  } catch (error) {
    throw asDiskError(error) ?? error;
  }
}

/** What was opened before something failed is closed again by the caller; in the end it belongs to the cloud. */
async function start(options: LocalCloudOptions, resources: AsyncDisposableStack): Promise<LocalCloud> {
  const { port = 0, onProgress = () => {} } = options;
  const root = resolve(options.root ?? projectRoot());
  if (!existsSync(join(root, 'cdk.json'))) {
    throw new GlowplugError('CONFIG_INVALID', `expected cdk.json in ${root}, found none`, {
      remedy:
        'Run it in the folder of a CDK app, or let startLocalCloud({ root }) name it; glowplug init makes an app.',
    });
  }
  const folder = resolve(options.folder ?? mkdtempSync(join(tmpdir(), 'glowplug-cloud-')));
  const temporary = options.folder === undefined;
  if (temporary) resources.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  // First of all: the folder, S3's part included, is one cloud's at a time.
  const reaper = resources.use(Reaper.start({ folder, remove: temporary }));
  const credentials = localCredentials(folder);
  const secretFor = (id: string) => (id === credentials.accessKeyId ? credentials.secretAccessKey : undefined);
  const faults = createFaults({
    functions: () => deployment.names,
    queues: () => template?.queues.map(({ name }) => name) ?? [],
  });
  const { now } = faults;

  const s3 = await s3Listener({ folder: join(folder, 's3'), credentials, now });
  resources.defer(() => s3.settled());
  const s3OrFault = spoiling(s3.listener, faults.onS3);
  const find = (name: string, qualifier: string) => {
    const found = deployment.find(name);
    const version = found?.qualified(qualifier);
    if (!found || !version) return undefined;
    const later = { ...asyncTarget(found, qualifier), ...version };
    return { ...version, accept: (invocation: Invocation) => asynchronous.accept(later, invocation) };
  };
  const lambda = lambdaApiListener({ find, secretFor, region, account, now });
  const httpApis = httpApiListener({ find, secretFor, region, account, now }, () => template?.httpApis ?? []);
  const loadBalancers = loadBalancerListener({ find, now }, () => template?.loadBalancers ?? []);
  const secrets = new LocalSecrets({ secretFor, region, now, seed: credentials.secretAccessKey });
  const queues = new LocalQueues({ secretFor, region, now });
  const serviceOf = (request: IncomingMessage): RequestListener => {
    if (lambdaPaths.test(request.url ?? '')) return lambda;
    if (request.url?.startsWith(pagePath)) return page;
    if (request.url?.startsWith(apiPath)) return httpApis;
    if (request.url?.startsWith(albPath)) return loadBalancers;
    const target = `${request.headers['x-amz-target']}`;
    if (target.startsWith(sqsTargets)) return queues.listener;
    if (target.startsWith(secretsTargets)) return secrets.listener;
    return isBrowser(request) ? toPage : s3OrFault;
  };
  // A model's gigabyte may take its time.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 }, (request, response) =>
    serviceOf(request)(request, response),
  );
  server.on('checkContinue', (request, response) => {
    const listener = serviceOf(request);
    if (listener !== s3OrFault) response.writeContinue();
    listener(request, response);
  });
  const { url: endpoint } = resources.use(await listen(server, port));
  resources.use(queues);
  const endpoints = { s3Endpoint: endpoint, sqsEndpoint: endpoint, secretsEndpoint: endpoint };
  const where = { region, account, credentials, endpoint, ...endpoints };
  const feed = new InvocationFeed();
  const metrics = new MetricFeed();
  const files = temporary ? undefined : resources.use(new LogFiles(folder));
  const onLine = (name: string, line: string, environment: string) => {
    options.log?.(name, line);
    files?.write(name, line);
    feed.hear(name, line, environment);
    metrics.hear(name, line);
  };
  const fleet = resources.use(new Fleet({ folder, reaper, where, onLine, diesAfterMs: faults.onInvocation }));
  const deployment = resources.use(new Deployment(fleet, where, port === 0 ? 0 : port + 1, now));
  const functions = () => deployment.names.map((name) => deployment.function(name));
  const page = pageOf({ root, feed, metrics, where, functions, stores: () => storesOf(template) });

  const asyncTarget = ({ name, spec, note }: CloudFunction, qualifier: string) => ({
    arn: functionArn(spec, where, qualifier),
    settings:
      template?.asyncSettings.get(`${name}:${qualifier}`) ?? template?.asyncSettings.get(name) ?? defaultAsyncSettings,
    note,
  });
  const deliver = async (arn: string, body: string, attributes?: Readonly<Record<string, string>>) => {
    const queue = template?.queues.find((each) => each.arn === arn);
    const [name = '', qualifier = '$LATEST'] = arn.split(':').slice(6);
    const target = find(name, qualifier);
    if (queue) await queues.send(queue, body, attributes);
    else if (target) target.accept({ payload: Buffer.from(body) });
    else onProgress(`nothing is sent to ${arn}: it is no queue and no function of the app`);
  };
  const asynchronous = resources.use(new AsyncInvoker({ clock: systemClock, now, deliver }));
  const schedules = resources.use(
    new Schedules({ region, account, clock: systemClock, now, deliver, onError: onProgress }),
  );
  const eventSources = resources.use(new EventSources(queues, (name) => deployment.function(name), faults.onMessage));

  const code = codeFolder(folder, temporary);
  // What an earlier cloud of this folder ran: a guess at the stores, so that models are published beside the first synth, too.
  const earlier = temporary ? undefined : await readTemplate(code, where).catch(() => undefined);
  let template: CloudTemplate | undefined;
  const publishes = options.publish ?? existsSync(join(root, 'models'));
  const edited = new EditedCode(root);
  const modules = join(folder, 'modules.txt');
  const deploy = async (): Promise<string[]> => {
    const swapped = template && !options.inspect ? await edited.apply(template, code) : undefined;
    if (swapped) {
      template = swapped;
      return await deployment.apply(swapped);
    }
    onProgress('synthesising the app');
    const look = edited.look();
    await rm(modules, { force: true });
    const publishTo = (stores: readonly string[]) => publishModels(root, stores, where, onProgress);
    const makeBuckets = async (of: CloudTemplate | undefined) => {
      await Promise.all((of?.buckets ?? []).map((bucket) => createBucket(where, bucket)));
    };
    const last = template ?? earlier;
    const before = publishes ? storesOf(last) : [];
    // A synth is a process of its own: the models are published beside it to the stores that are known.
    const publishing = makeBuckets(last).then(() => publishTo(before));
    const [synthesised, published] = await Promise.allSettled([synthesize(root, code, modules), publishing]);
    if (synthesised.status === 'rejected') throw synthesised.reason;
    if (published.status === 'rejected' && template) throw published.reason;
    // A guess that failed is no error: what the new template needs is published below, and says what is wrong.
    const done = published.status === 'fulfilled' ? before : [];
    template = await readTemplate(code, where);
    if (options.inspect) {
      template = { ...template, functions: debugged(template.functions, root, options.inspect) };
    }
    for (const { name, reason } of template.skipped) onProgress(`leaving out ${name}: ${reason}`);
    if (template.unknown.length > 0) onProgress(`not run here: ${template.unknown.join(', ')}`);
    await makeBuckets(template);
    if (publishes) await publishTo(storesOf(template).filter((store) => !done.includes(store)));
    for (const { id } of template.httpApis) onProgress(`the HTTP API ${id} answers at ${endpoint}${apiPath}${id}`);
    for (const { id } of template.loadBalancers) {
      onProgress(`the load balancer ${id} answers at ${endpoint}${albPath}${id}`);
    }
    secrets.apply(template.secrets);
    for (const { id, value } of secrets.made) onProgress(`the secret ${id} was made for this cloud: ${value}`);
    const changed = await deployment.apply(template);
    await eventSources.apply(template.queues, template.eventSources);
    schedules.apply(template.schedules);
    edited.synthesised(look, await readFile(modules, 'utf8').catch(() => ''));
    return changed;
  };
  await deploy();
  if (template) removeStaleAssets(code, template.assets);

  let reloading: Promise<unknown> = Promise.resolve();
  const owned = resources.move();
  return {
    region,
    credentials,
    faults,
    page: `${endpoint}${pagePath}`,
    endpoint,
    s3Endpoint: endpoint,
    get functions() {
      return deployment.names;
    },
    get stores() {
      return template?.buckets.map(({ name }) => name) ?? [];
    },
    get queues() {
      return template?.queues.map(({ id, url }) => ({ id, url })) ?? [];
    },
    get httpApis() {
      return template?.httpApis.map(({ id }) => ({ id, url: `${endpoint}${apiPath}${id}` })) ?? [];
    },
    get loadBalancers() {
      return template?.loadBalancers.map(({ id }) => ({ id, url: `${endpoint}${albPath}${id}` })) ?? [];
    },
    get secrets() {
      return secrets.all;
    },
    function: (name) => deployment.function(name),
    async coldStart(name, given) {
      const { spec } = deployment.function(name);
      return await measureColdStart(root, () => new CloudFunction(spec, fleet, where, now), given);
    },
    reload() {
      const reloaded = reloading.then(deploy);
      reloading = reloaded.catch(() => {}); // The caller hears of it; the next reload starts afresh.
      return reloaded;
    },
    async [Symbol.asyncDispose]() {
      await reloading;
      await owned.disposeAsync();
    },
  };
}

const toPage: RequestListener = (_request, response) => void response.writeHead(302, { location: pagePath }).end();

/** Someone typed the port into a browser; every client of S3 signs what it asks. */
function isBrowser({ method, url, headers }: IncomingMessage): boolean {
  return method === 'GET' && url === '/' && !headers.authorization && /\btext\/html\b/.test(headers.accept ?? '');
}
