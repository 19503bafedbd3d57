import { type Clock, sleep } from "./clock.ts";
import { TollgateError } from "./errors.ts";

/** Something that has happened. */
export type LiveEvent = {
  /** Where to go on from; null for what is no event (`ready`). */
  readonly id: string | null;
  /**
   * Each connection begins with `ready`: if its `data.snapshot_needed` is true, events may have been missed, and what is
   * shown has to be read anew.
   */
  readonly type: string;
  /** ISO 8601. */
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
};

export type EventOptions = {
  /** The last event that was seen: what has happened since comes first. */
  readonly since?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onStatus?: ((status: "live" | "reconnecting") => void) | undefined;
};

/** Events of one connection. Throws a `TollgateError` when it ends; with the signal, it just ends. */
export type Connect = (since: string | undefined, signal: AbortSignal) => AsyncIterable<LiveEvent>;

export type EventDeps = {
  readonly connect: Connect;
  readonly clock: Clock;
  readonly random: () => number;
};

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const JITTER = 0.25;

/**
 * What happens, while it happens. A broken connection is made again, from the last event on; a refusal is thrown.
 * Ends when its signal is aborted or the loop is left.
 */
export async function* liveEvents(
  { connect, clock, random }: EventDeps,
  { since, signal, onStatus }: EventOptions = {},
): AsyncGenerator<LiveEvent> {
  let last = since;
  let failures = 0;
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  if (signal?.aborted) return;
  signal?.addEventListener("abort", leave, { once: true });
  try {
    while (!leaving.signal.aborted) {
      try {
        for await (const event of connect(last, leaving.signal)) {
          if (event.type === "ready") onStatus?.("live");
          failures = 0;
          last = event.id ?? last;
          yield event;
        }
      } catch (error) {
        if (leaving.signal.aborted) return;
        const waitMs = waitBefore(failures, error);
        onStatus?.("reconnecting");
        failures += 1;
        await sleep(clock, waitMs, leaving.signal).catch(() => {});
      }
    }
  } finally {
    leave();
    signal?.removeEventListener("abort", leave);
  }

  /** Rethrows what will not pass. */
  function waitBefore(failed: number, error: unknown): number {
    if (!(error instanceof TollgateError) || !mayPass(error)) throw error;
    const own = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failed) * (1 - random() * JITTER);
    return Math.max(own, Math.min(LONGEST_WAIT_MS, (error.retryAt ?? 0) - clock.now()));
  }
}

function mayPass({ type, status }: TollgateError): boolean {
  if (type === "NETWORK_TIMEOUT" || type === "NETWORK_UNREACHABLE") return true;
  return type === "RATE_LIMITED" || type === "OVERLOADED" || (status !== undefined && status >= 500);
}
