// One JSON line an entry, on standard output, as CloudWatch and the local cloud read it; its keys are those of Powertools' logger.

export type Fields = Readonly<Record<string, unknown>>;

export interface Log {
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

export const consoleLog: Log = {
  info: (message, fields) => write('INFO', message, fields),
  warn: (message, fields) => write('WARN', message, fields),
  error: (message, fields) => write('ERROR', message, fields),
};

/** For tests and for callers that log elsewhere. */
export const noLog: Log = { info() {}, warn() {}, error() {} };

/** The same log; every entry carries `fields` too. */
export function withFields(log: Log, fields: Fields): Log {
  return {
    info: (message, more) => log.info(message, { ...fields, ...more }),
    warn: (message, more) => log.warn(message, { ...fields, ...more }),
    error: (message, more) => log.error(message, { ...fields, ...more }),
  };
}

function write(level: string, message: string, fields: Fields = {}): void {
  process.stdout.write(`${JSON.stringify({ level, message, timestamp: new Date().toISOString(), ...fields })}\n`);
}
