import { inspect } from "node:util";
import { pino } from "pino";
import { type Clock, isoTime } from "../lib/clock.ts";

export type Log = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

const secrets: readonly (readonly [RegExp, string])[] = [
  [/\b(?:sk|rt|it)-[A-Za-z0-9_-]{8,}/g, "***"],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, "***"],
  [/([?&](?:key|token|api_key)=)[^&\s]+/gi, "$1***"],
  [/(\/\/[^/:@\s]*:)[^@/\s]+@/g, "$1***@"],
];

/** Takes keys, tokens and passwords in URLs out of free text. */
export function scrubbed(text: string): string {
  return secrets.reduce((rest, [secret, shown]) => rest.replace(secret, shown), text);
}

/** JSON lines. Errors are reduced to name, code, message and stack, all scrubbed of secrets. */
export function jsonLog(level: string, clock: Clock, destination: { write(line: string): unknown }): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${isoTime(clock.now())}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: [
          "authorization",
          "token",
          "key",
          "password",
          "secret",
          "*.authorization",
          "*.password",
          "*.token",
        ],
        censor: "***",
      },
      serializers: { error: (error: unknown) => describeError(error, LONGEST_CHAIN) },
    },
    { write: (line) => void destination.write(line) },
  );
}

/** Lines of ours among those of somebody else's log: by its level and form, with errors described as in our own. */
export function logInto(log: Log): Log {
  const shown = (fields: object): object =>
    "error" in fields ? { ...fields, error: describeError(fields.error, LONGEST_CHAIN) } : fields;
  return {
    debug: (fields, message) => log.debug(shown(fields), message),
    info: (fields, message) => log.info(shown(fields), message),
    warn: (fields, message) => log.warn(shown(fields), message),
    error: (fields, message) => log.error(shown(fields), message),
  };
}

/** Causes beyond it are left out; a chain may be a circle. */
const LONGEST_CHAIN = 8;

function describeError(error: unknown, deeper: number): unknown {
  if (!(error instanceof Error)) return scrubbed(typeof error === "string" ? error : inspect(error));
  const { name, message, stack, cause } = error;
  const code = "code" in error ? error.code : undefined;
  const described = { name, code, message: scrubbed(message), stack: scrubbed(stack ?? "") };
  if (cause === undefined || deeper === 0) return described;
  return { ...described, cause: describeError(cause, deeper - 1) };
}
