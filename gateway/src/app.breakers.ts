import type { OpenCounters } from "./app.limits.ts";
import type { Settings } from "./config/settings.ts";
import { atMost, type Clock, isoTime } from "./lib/clock.ts";
import type { Chance } from "./lib/ids.ts";
import type { BreakerRules, Change } from "./providers/breaker.ts";
import { memoryBreakers } from "./providers/breakers.memory.ts";
import { redisBreakers } from "./providers/breakers.redis.ts";
import type { BreakerChange } from "./providers/breakers.steady.ts";
import { type Breakers, openBreakers } from "./providers/breakers.ts";
import type { Db } from "./store/tables.ts";
import type { Log } from "./telemetry/log.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import type { EventType } from "./telemetry/notifier.events.ts";
import type { Announce } from "./telemetry/notifier.outbox.ts";

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/** The providers' breakers, shared by every instance if the counters are, and all that tells of them. */
export function providerBreakers(deps: {
  readonly settings: Settings;
  /** Names of those that there are now. */
  readonly providers: () => readonly string[];
  readonly counting: Pick<OpenCounters, "shared">;
  readonly db: Db;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly announce: Announce;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly trouble: (what: string) => (error: unknown) => void;
}): Breakers {
  const { counting, db, clock, announce, log, metrics, trouble } = deps;
  const rules = rulesOf(deps.settings);
  const { shared } = counting;
  const store =
    shared === undefined ? memoryBreakers({ rules, now: clock.now }) : redisBreakers({ ...shared, rules });

  /** One after the other, as they happened. */
  let announced: Promise<unknown> = Promise.resolve();
  const latest = new Map<string, BreakerChange>();
  const closing = Promise.withResolvers<void>();
  let isClosing = false;

  /** Tries until it is written, or something newer is to be said of the provider. */
  async function tell(made: BreakerChange, type: EventType): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS; latest.get(made.provider) === made; ) {
      try {
        await db.transaction().execute((tx) => announce(tx, type, dataOf(made)));
        return;
      } catch (error) {
        trouble("change of a breaker not announced")(error);
      }
      if (isClosing) return;
      await atMost(clock, retryMs, closing.promise);
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    }
  }
  function onChange(made: BreakerChange): void {
    const { provider, change } = made;
    metrics.breakerTransitions.labels(provider, stateAfter[change]).inc();
    const data = dataOf(made);
    if (change === "opened" || change === "closed") {
      log.warn(data, `breaker ${change}`);
      latest.set(provider, made);
      announced = announced.then(() => tell(made, `breaker.${change}`));
    } else log.info(data, change === "probing" ? "breaker lets one call try" : "breaker stays open");
  }

  const breakers = openBreakers({
    ...deps,
    rules,
    store,
    onChange,
    onTrouble: trouble("breakers not shared, this process goes on by itself"),
  });
  return {
    ...breakers,
    async close() {
      await breakers.close();
      isClosing = true;
      closing.resolve();
      await announced;
    },
  };
}

const stateAfter: Readonly<Record<Change, "closed" | "open" | "half_open">> = {
  opened: "open",
  reopened: "open",
  probing: "half_open",
  closed: "closed",
};

function rulesOf(settings: Settings): BreakerRules {
  return {
    threshold: settings.BREAKER_FAILURE_THRESHOLD,
    openMs: settings.BREAKER_OPEN_SECONDS * 1000,
    probeLeaseMs: settings.BREAKER_PROBE_LEASE_SECONDS * 1000,
  };
}

/** What webhooks, mails and the log are told. */
function dataOf({ provider, breaker, isShared }: BreakerChange) {
  const isOpen = breaker.state === "open";
  return {
    provider,
    failures: breaker.failures,
    opened_at: isOpen ? isoTime(breaker.openedAt) : null,
    retry_at: isOpen ? isoTime(breaker.until) : null,
    seen_by: isShared ? "every instance" : "one instance",
  };
}
