import type { OpenCounters } from "./app.limits.ts";
import type { Settings } from "./config/settings.ts";
import { type Clock, isoTime } from "./lib/clock.ts";
import type { Chance } from "./lib/ids.ts";
import type { BreakerRules, Change } from "./providers/breaker.ts";
import { memoryBreakers } from "./providers/breakers.memory.ts";
import { redisBreakers } from "./providers/breakers.redis.ts";
import type { BreakerChange } from "./providers/breakers.steady.ts";
import { type Breakers, openBreakers } from "./providers/breakers.ts";
import type { Db } from "./store/tables.ts";
import type { Log } from "./telemetry/log.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import type { Announce } from "./telemetry/notifier.outbox.ts";

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
  function onChange(made: BreakerChange): void {
    const { provider, change } = made;
    metrics.breakerTransitions.labels(provider, stateAfter[change]).inc();
    const data = dataOf(made);
    if (change === "opened" || change === "closed") {
      log.warn(data, `breaker ${change}`);
      announced = announced
        .then(() => db.transaction().execute((tx) => announce(tx, `breaker.${change}`, data)))
        .catch(trouble("change of a breaker not announced"));
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
