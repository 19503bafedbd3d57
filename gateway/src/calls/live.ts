import { type Clock, sleep } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Db } from "../store/tables.ts";
import type { Gate, Visitor } from "./enter.ts";
import type { Connected, EndReason, Listener } from "./live.listener.ts";
import { BREATH_MS, liveReading } from "./live.reading.ts";

/** What listening asks of whoever does. */
export const listenersGate: Gate = { scope: "events:read", class: "manage" };

export type Live = {
  /**
   * Tells the listener what happens from now on, or has happened since an event, as far as the visitor may see it.
   * Throws OVERLOADED, or RATE_LIMITED for a user who listens too often. The returned function ends it.
   */
  join(visitor: Visitor, since: string | undefined, listener: Listener): () => void;
  /** There are new events. */
  wake(): void;
  close(): Promise<void>;
};

export type LiveDeps = {
  readonly db: Db;
  readonly clock: Clock;
  /** Of this process. */
  readonly maxListeners: number;
  /** Who a visitor is by now; throws if it may not listen any more. */
  readonly stay: (visitor: Visitor) => Promise<Visitor>;
  readonly onCount: (listeners: number) => void;
  readonly onEnd: (reason: EndReason) => void;
  readonly onTrouble: (error: unknown) => void;
};

/** A notification may be lost. */
const LOOK_EVERY_MS = 1_000;
/** Two of these and a lost notification of a revocation are within a second. */
const CHECK_EVERY_MS = 200;
const MOST_WAITING_BYTES = 65_536;
const PATIENCE_MS = 30_000;
const RETRY_MS = 5_000;

/** Tells live events to everybody who is connected to this process; the others have the same log. */
export function openLive(deps: LiveDeps): Live {
  const { clock, stay, onTrouble } = deps;
  const connected = new Set<Connected>();
  let isClosed = false;

  function drop(one: Connected, reason: EndReason): void {
    if (!connected.delete(one)) return;
    deps.onCount(connected.size);
    deps.onEnd(reason);
    one.listener.end(reason);
  }

  async function check(one: Connected): Promise<void> {
    try {
      one.visitor = await stay(one.visitor);
    } catch (error) {
      if (!(error instanceof TollgateError)) onTrouble(error);
      drop(one, error instanceof TollgateError ? error : new TollgateError("INTERNAL"));
    }
  }

  /** Leaves alone who takes nothing: it reads by itself what it misses, once it does again. */
  function isTaking(one: Connected): boolean {
    if (one.listener.waitingBytes() <= MOST_WAITING_BYTES) {
      one.fullSince = undefined;
      return true;
    }
    one.isCaughtUp = false;
    one.fullSince ??= clock.monotonic();
    if (clock.monotonic() - one.fullSince > PATIENCE_MS) drop(one, "slow");
    return false;
  }

  const look = liveReading({ db: deps.db, clock, connected, check, isTaking });

  async function lookOn(): Promise<void> {
    for (;;) {
      isWanted = false;
      const pauseMs = await look();
      if (isClosed || connected.size === 0 || (pauseMs === undefined && !isWanted)) return;
      await sleep(clock, pauseMs ?? BREATH_MS);
    }
  }

  let isWanted = false;
  let looking: Promise<void> | undefined;
  function wake(): void {
    if (isClosed || connected.size === 0) return;
    isWanted = true;
    looking ??= lookOn()
      .catch((error: unknown) => {
        isWanted = false;
        onTrouble(error);
      })
      .finally(() => {
        looking = undefined;
        if (isWanted) wake();
      });
  }

  let checking: Promise<unknown> | undefined;
  function checkAll(): void {
    checking ??= Promise.all([...connected].map(check)).finally(() => {
      checking = undefined;
    });
  }

  const timers = [clock.every(LOOK_EVERY_MS, wake), clock.every(CHECK_EVERY_MS, checkAll)];

  function requireRoom({ principal: { userId } }: Visitor): void {
    const own = [...connected].filter(({ visitor }) => visitor.principal.userId === userId).length;
    if (own >= Math.ceil(deps.maxListeners / 10)) {
      throw new TollgateError("RATE_LIMITED", {
        limit: "event-listeners",
        retryAfterMs: RETRY_MS,
        resetAtMs: clock.now() + RETRY_MS,
      });
    }
    if (isClosed || connected.size >= deps.maxListeners) {
      throw new TollgateError("OVERLOADED", { retryAfterMs: RETRY_MS });
    }
  }

  return {
    join(visitor, since, listener) {
      requireRoom(visitor);
      const one: Connected = {
        visitor,
        since,
        listener,
        place: undefined,
        isCaughtUp: false,
        fullSince: undefined,
      };
      connected.add(one);
      deps.onCount(connected.size);
      wake();
      return () => {
        if (connected.delete(one)) deps.onCount(connected.size);
      };
    },
    wake,
    async close() {
      isClosed = true;
      for (const stop of timers) stop();
      for (const one of [...connected]) drop(one, "stopping");
      await Promise.all([looking, checking]);
    },
  };
}
