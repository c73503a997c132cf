// Which files a cold start opens: a form that publishing put beside the version, or the version's own.
import { type LockedVersion, type StartForm, weightsFile } from './version.ts';

/** The version in the first of its forms that a processor with these features can run; itself where there is none. */
export function startForm(locked: LockedVersion, features: () => ReadonlySet<string>): LockedVersion {
  const form = locked.starts?.find(({ needs = [] }) => needs.length === 0 || needs.every((one) => features().has(one)));
  if (!form) return locked;
  const { 'model.onnx': _graph, [weightsFile]: _weights, ...rest } = locked.files;
  return { ...locked, variant: form.variant, files: { ...rest, ...form.files } };
}

/** A variant as a form of others. */
export function asStartForm({ files }: LockedVersion, variant: string, needs?: readonly string[]): StartForm {
  const { 'model.onnx': graph, [weightsFile]: weights } = files;
  return {
    variant,
    ...(needs ? { needs } : {}),
    files: { 'model.onnx': graph!, ...(weights ? { [weightsFile]: weights } : {}) },
  };
}

/** As the system names features of processors: `avx512f`, `i8mm`. */
export function isFeatures(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => /^[a-z][a-z0-9_]{1,31}$/.test(String(one)));
}
