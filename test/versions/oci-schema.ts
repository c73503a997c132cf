// opencontainers/image-spec, schema/*.json (v1.1), as far as a model's documents go: what is wrong with one, in words.

type Fields = Readonly<Record<string, unknown>>;

/** image-layout-schema.json */
export function layoutFaults(value: unknown): string[] {
  return object(value)['imageLayoutVersion'] === '1.0.0' ? [] : ['imageLayoutVersion is not 1.0.0'];
}

/** image-index-schema.json */
export function indexFaults(value: unknown): string[] {
  const index = object(value);
  const manifests = Array.isArray(index['manifests']) ? index['manifests'] : undefined;
  return [
    ...common(index, 'application/vnd.oci.image.index.v1+json'),
    ...(manifests ? [] : ['manifests is no array']),
    ...(manifests ?? []).flatMap((one, at) => [
      ...descriptorFaults(one, `manifests[${at}]`),
      ...platformFaults(object(one)['platform'], `manifests[${at}].platform`),
    ]),
  ];
}

/** image-manifest-schema.json, and manifest.md: an artifact names its type, and has one layer at least. */
export function manifestFaults(value: unknown): string[] {
  const manifest = object(value);
  const layers = Array.isArray(manifest['layers']) ? manifest['layers'] : [];
  return [
    ...common(manifest, 'application/vnd.oci.image.manifest.v1+json'),
    ...descriptorFaults(manifest['config'], 'config'),
    ...(layers.length > 0 ? [] : ['layers has no item']),
    ...layers.flatMap((one, at) => descriptorFaults(one, `layers[${at}]`)),
  ];
}

function common(document: Fields, mediaType: string): string[] {
  return [
    ...(document['schemaVersion'] === 2 ? [] : ['schemaVersion is not 2']),
    ...(document['mediaType'] === mediaType ? [] : [`mediaType is not ${mediaType}`]),
    ...(document['artifactType'] === undefined ? [] : mediaTypeFaults(document['artifactType'], 'artifactType')),
    ...annotationFaults(document['annotations'], 'annotations'),
    ...(document['subject'] === undefined ? [] : descriptorFaults(document['subject'], 'subject')),
  ];
}

/** content-descriptor.json */
function descriptorFaults(value: unknown, at: string): string[] {
  const { mediaType, digest, size, annotations, artifactType } = object(value);
  const sound = typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;
  return [
    ...mediaTypeFaults(mediaType, `${at}.mediaType`),
    ...(artifactType === undefined ? [] : mediaTypeFaults(artifactType, `${at}.artifactType`)),
    ...(typeof digest === 'string' && /^sha256:[a-f0-9]{64}$/.test(digest) ? [] : [`${at}.digest is no digest`]),
    ...(sound ? [] : [`${at}.size is no size`]),
    ...annotationFaults(annotations, `${at}.annotations`),
  ];
}

/** RFC 6838, 4.2 */
function mediaTypeFaults(value: unknown, at: string): string[] {
  const name = '[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}';
  return typeof value === 'string' && new RegExp(`^${name}/${name}$`).test(value) ? [] : [`${at} is no media type`];
}

function annotationFaults(value: unknown, at: string): string[] {
  if (value === undefined) return [];
  const wrong = Object.entries(object(value)).filter(([key, text]) => key === '' || typeof text !== 'string');
  return wrong.map(([key]) => `${at}.${key} is no text`);
}

function platformFaults(value: unknown, at: string): string[] {
  if (value === undefined) return [];
  const { architecture, os } = object(value);
  return typeof architecture === 'string' && typeof os === 'string' ? [] : [`${at} names no architecture or no os`];
}

function object(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
