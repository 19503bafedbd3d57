import { attempt } from "./attempt.ts";
import { type Clock, orAborted, orLate, sleep } from "./clock.ts";
import type { Credential, Credentials } from "./credentials.ts";
import { networkError } from "./errors.ts";
import type { Operation } from "./operations.ts";
import { type Patience, patienceOf, type WholePatience } from "./patience.ts";
import { retryWait } from "./retry.ts";
import type { Watchdog } from "./watchdog.ts";

/** Options of one call; those of the client are the default. */
export type CallOptions = Patience & {
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

export type Logger = Pick<Console, "debug" | "warn">;

export type Transport = {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger | undefined;
  readonly patience: WholePatience;
  readonly defaultHeaders: Readonly<Record<string, string>>;
};

export type Outgoing = {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly accept?: string;
  readonly operation?: Operation;
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
  const { signal, headers } = options;
  const { timeoutMs, deadlineMs, maxRetries, maxRetryWaitMs, onRetry } = patienceOf(
    options,
    transport.patience,
  );
  const endAt = clock.now() + deadlineMs;
  const inTime = <V>(work: Promise<V>) => orLate(clock, endAt, orAborted(work, signal), tooLate);
  const longestWaitMs = Math.min(maxRetryWaitMs, timeoutMs);
  const isRepeatable = outgoing.isRepeatable ?? outgoing.method !== "POST";
  let isRenewed = false;
  for (let number = 0; ; ) {
    signal?.throwIfAborted();
    const credential = await inTime(credentialOf(outgoing));
    const how = { signal, headers, timeoutMs, endAt, credential: credential.headers };
    const outcome = await attempt(transport, outgoing, read, how);
    if ("data" in outcome) return outcome;
    const { error } = outcome;
    if (
      error.type === "AUTH_INVALID" &&
      !isRenewed &&
      outgoing.credentials !== undefined &&
      (await inTime(outgoing.credentials.renew(credential.token)))
    ) {
      isRenewed = true;
      continue;
    }
    const wantedMs = retryWait(outcome, { number, isRepeatable, random, longestWaitMs });
    const mayWait = number < maxRetries && clock.now() + (wantedMs ?? 0) < endAt;
    const waitMs = mayWait ? wantedMs : undefined;
    const about = { code: error.code, status: error.status, correlationId: error.correlationId, waitMs };
    logger?.warn(`tollgate: ${outgoing.method} ${outgoing.path} failed`, about);
    if (waitMs === undefined) throw error;
    number += 1;
    onRetry?.({ attempt: number, waitMs, error });
    await sleep(clock, waitMs, signal);
  }
}

function tooLate() {
  return networkError("NETWORK_TIMEOUT", "The service did not answer in time.");
}

async function credentialOf({ credentials }: Outgoing): Promise<Credential> {
  return credentials === undefined ? { headers: {}, token: undefined } : credentials.current();
}
