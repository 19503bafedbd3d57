import { attempt } from "./attempt.ts";
import { type Clock, orAborted, sleep } from "./clock.ts";
import type { Credential, Credentials } from "./credentials.ts";
import { retryWait } from "./retry.ts";
import type { Watchdog } from "./watchdog.ts";

/** Options of one call; those of the client are the default. */
export type CallOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Longest silence: until the answer begins, and then between any two parts of it. */
  readonly timeoutMs?: number | undefined;
  readonly maxRetries?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

export type Logger = Pick<Console, "debug" | "warn">;

export type Transport = {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger | undefined;
  readonly timeoutMs: number;
  readonly maxRetries: number;
  readonly defaultHeaders: Readonly<Record<string, string>>;
};

export type Outgoing = {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly accept?: string;
  /** Doing it twice is the same as doing it once; default all but POST. */
  readonly isRepeatable?: boolean | undefined;
  /** Undefined: it goes without a credential. */
  readonly credentials: Pick<Credentials, "current" | "renew"> | undefined;
};

/** The answer's data, and what it came in. */
export type Answered<T> = {
  readonly data: T;
  /** Its body has been read, or is being read by `data`. */
  readonly response: Response;
  readonly correlationId: string | undefined;
};

/** Reads an answer. Stops the watchdog when it is complete. */
export type Reader<T> = (response: Response, watch: Watchdog) => Promise<T>;

/** Sends a request until it is answered, as often as that makes sense. Throws a `TollgateError`, or the signal's reason. */
export async function send<T>(
  transport: Transport,
  outgoing: Outgoing,
  read: Reader<T>,
  options: CallOptions = {},
): Promise<Answered<T>> {
  const { clock, random, logger } = transport;
  const { signal, maxRetries = transport.maxRetries } = options;
  const isRepeatable = outgoing.isRepeatable ?? outgoing.method !== "POST";
  let isRenewed = false;
  for (let number = 0; ; ) {
    signal?.throwIfAborted();
    const credential = await orAborted(credentialOf(outgoing), signal);
    const outcome = await attempt(transport, outgoing, read, options, credential.headers);
    if ("data" in outcome) return outcome;
    const { error } = outcome;
    if (
      error.type === "AUTH_INVALID" &&
      !isRenewed &&
      (await outgoing.credentials?.renew(credential.token))
    ) {
      isRenewed = true;
      continue;
    }
    const waitMs = number < maxRetries ? retryWait(outcome, { number, isRepeatable, random }) : undefined;
    const about = { code: error.code, status: error.status, correlationId: error.correlationId, waitMs };
    logger?.warn(`tollgate: ${outgoing.method} ${outgoing.path} failed`, about);
    if (waitMs === undefined) throw error;
    await sleep(clock, waitMs, signal);
    number += 1;
  }
}

async function credentialOf({ credentials }: Outgoing): Promise<Credential> {
  return credentials === undefined ? { headers: {}, token: undefined } : credentials.current();
}
