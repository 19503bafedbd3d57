import { type Clock, systemClock } from "./clock.ts";
import type { CredentialOptions } from "./credentials.ts";
import type { Logger, Transport } from "./transport.ts";

export type ClientOptions = CredentialOptions & {
  /** Where the gateway is, without a path of ours: `https://gateway.example.com`. */
  readonly baseUrl: string;
  /** Longest silence in milliseconds; default ten minutes, for a model may think that long. */
  readonly timeoutMs?: number;
  /** How often a request is sent again; default 2. */
  readonly maxRetries?: number;
  readonly defaultHeaders?: Readonly<Record<string, string>>;
  readonly fetch?: typeof fetch;
  /** For live events; default the global one, where there is one. Null: server-sent events instead. */
  readonly WebSocket?: typeof WebSocket | null;
  /** Told of requests and failures, never of credentials or bodies: `console`. */
  readonly logger?: Logger;
  /** Time and chance, for tests. */
  readonly clock?: Clock;
  readonly random?: () => number;
};

const TEN_MINUTES_MS = 600_000;

export function transportOf(options: ClientOptions): Transport {
  const { baseUrl, clock = systemClock, random = Math.random, logger, defaultHeaders = {} } = options;
  return {
    baseUrl: baseUrl.replace(/\/+$/, ""),
    fetch: options.fetch ?? ((...request) => globalThis.fetch(...request)),
    clock,
    random,
    logger,
    timeoutMs: options.timeoutMs ?? TEN_MINUTES_MS,
    maxRetries: options.maxRetries ?? 2,
    defaultHeaders,
  };
}
