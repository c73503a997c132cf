// Where an outcome is to go, looked at before the minutes that it takes.
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { GlowplugError } from '../core/errors.ts';

/** A file of one of these endings, in a folder that is there. @throws GlowplugError CONFIG_INVALID */
export async function checkOutputFile(path: string, option: string, endings: readonly string[]): Promise<void> {
  if (!endings.includes(extname(path)))
    throw wrong(
      `expected ${option} to end in ${endings.join(' or ')}, got ${path}`,
      `Name it so: ${option} report${endings[0]}.`,
    );
  const folder = dirname(resolve(path));
  const [found, around] = await Promise.all([path, folder].map((at) => stat(at).catch(() => undefined)));
  if (!around?.isDirectory()) {
    throw wrong(`expected a folder for ${option} ${path}, found ${around ? 'a file' : 'nothing'} at ${folder}`);
  }
  if (found?.isDirectory()) throw wrong(`expected a file at ${option} ${path}, found a folder`);
  await checkWritable(found ? path : folder, option);
}

/** A folder that is there, or can be made. @throws GlowplugError CONFIG_INVALID */
export async function checkOutputFolder(path: string, option: string): Promise<void> {
  let at = resolve(path);
  let found = await stat(at).catch(() => undefined);
  while (!found && at !== dirname(at)) {
    at = dirname(at);
    found = await stat(at).catch(() => undefined);
  }
  if (!found?.isDirectory()) throw wrong(`expected a folder at ${option} ${path}, found a file at ${at}`);
  await checkWritable(at, option);
}

async function checkWritable(path: string, option: string): Promise<void> {
  await access(path, constants.W_OK).catch((cause: unknown) => {
    throw wrong(`expected ${option} to be where this user may write, ${path} is not`, undefined, cause);
  });
}

function wrong(message: string, remedy = 'Make the folder, or name another place.', cause?: unknown): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', message, { cause, remedy });
}
