import type { Credential } from "./credentials.ts";
import { askedWaitMs, parseTollgateError } from "./errors.parse.ts";
import { networkError, TollgateError } from "./errors.ts";
import { textOf } from "./read.ts";
import type { Refusal } from "./retry.ts";
import type { Answered, CallOptions, Outgoing, Reader, Transport } from "./transport.ts";
import { type Watch, type Watchdog, watchdog } from "./watchdog.ts";

/** How to send a request once. */
export type AttemptOptions = Watch & {
  readonly headers: CallOptions["headers"];
  readonly credential: Credential["headers"];
};

/** Sends a request once. Throws the reason of the caller's signal only. */
export async function attempt<T>(
  { baseUrl, fetch, clock, logger, defaultHeaders }: Transport,
  { method, path, body, operation, accept = "application/json" }: Outgoing,
  read: Reader<T>,
  { headers, credential, ...how }: AttemptOptions,
): Promise<Answered<T> | Refusal> {
  const startedAt = clock.now();
  const watch = watchdog(clock, how);
  try {
    watch.begin();
    const response = await fetch(baseUrl + path, {
      method,
      headers: {
        accept,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...defaultHeaders,
        ...credential,
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: watch.signal,
    });
    watch.rest();
    const correlationId = response.headers.get("x-correlation-id") ?? undefined;
    logger?.debug(`tollgate: ${method} ${path}`, {
      status: response.status,
      correlationId,
      ms: clock.now() - startedAt,
    });
    if (response.ok) return { data: await read(response, watch), response, correlationId };
    const now = clock.now();
    const hasCredential = credential.authorization !== undefined;
    const text = await textOf(response, watch);
    watch.stop();
    return {
      error: parseTollgateError(text, {
        status: response.status,
        headers: response.headers,
        hasCredential,
        operation,
        now,
      }),
      askedWaitMs: askedWaitMs(response.headers, now),
      shouldRetry: booleanOf(response.headers.get("x-should-retry")),
    };
  } catch (thrown) {
    watch.stop();
    if (how.signal?.aborted) throw how.signal.reason;
    if (thrown instanceof TollgateError) return { error: thrown };
    return { error: brokenOff(watch, thrown), wasNotSent: wasNotSent(thrown) };
  }
}

/** Why an answer does not go on. */
export function brokenOff({ isLate }: Pick<Watchdog, "isLate">, cause: unknown): TollgateError {
  return isLate
    ? networkError("NETWORK_TIMEOUT", "The service did not answer in time.", cause)
    : networkError("NETWORK_UNREACHABLE", "The service could not be reached, or broke off.", cause);
}

/** As far as a runtime says so; browsers do not. */
function wasNotSent(thrown: unknown): boolean {
  const { cause } = thrown as { cause?: { code?: unknown } };
  return /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT)$/.test(String(cause?.code));
}

function booleanOf(text: string | null): boolean | undefined {
  return text === "true" ? true : text === "false" ? false : undefined;
}
