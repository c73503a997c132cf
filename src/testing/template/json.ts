// What was parsed from JSON, looked at without trusting it.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

export function parseJson(text: string): Json {
  return JSON.parse(text);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member that is an object; an empty one where there is none. */
export function objectAt(value: Json | undefined, ...path: readonly string[]): JsonObject {
  const found = at(value, ...path);
  return isObject(found) ? found : {};
}

export function stringAt(value: Json | undefined, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

/** The resources of one type. */
export function resourcesOf(template: Json, type: string): [id: string, resource: Json][] {
  return Object.entries(objectAt(template, 'Resources')).filter(([, each]) => stringAt(each, 'Type') === type);
}

export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let found = value;
  for (const name of path) found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  return found;
}

/** The logical id in `{ "Fn::GetAtt": [id, …] }`. */
export function referredBy(value: Json | undefined): string | undefined {
  const argument = at(value, 'Fn::GetAtt');
  const id = Array.isArray(argument) ? argument[0] : undefined;
  return typeof id === 'string' ? id : undefined;
}

export function listAt(value: Json, name: string): readonly Json[] {
  const list = at(value, name);
  return Array.isArray(list) ? list : [];
}
