/** The log: JSON lines, readable on a terminal, and never a secret. */
import { destination, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

const REDACTED = [
  'authorization',
  'cookie',
  'password',
  'token',
  'secret',
  'headers.authorization',
  'headers.cookie',
  'headers["x-access-token"]',
  'req.headers.authorization',
  'req.headers.cookie',
  'req.headers["x-access-token"]',
  'config.headers.authorization',
];

/** Logs to standard error, so that a command's own output stays clean. */
export function createLog(config: { readonly logLevel: string }): Logger {
  const options = {
    level: config.logLevel,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    redact: { paths: REDACTED, censor: '[secret]' },
  };
  return process.stderr.isTTY
    ? pino(options, pretty({ colorize: true, destination: 2, sync: true, ignore: 'pid,hostname' }))
    : pino(options, destination({ dest: 2, sync: false }));
}
