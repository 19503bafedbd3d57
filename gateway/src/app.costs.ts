import { bookWith } from "./config/config.ts";
import type { ConfigFile } from "./config/file.ts";
import type { Settings } from "./config/settings.ts";
import { keepLedgerDays } from "./costs/ledger-days.ts";
import { type Money, openMoney } from "./costs/money.ts";
import { loadPrices, openPrices, type Prices } from "./costs/prices.stored.ts";
import { keepCosts } from "./jobs/costs.ts";
import type { Clock } from "./lib/clock.ts";
import { type Chance, uuidv7 } from "./lib/ids.ts";
import { usdText } from "./lib/money.ts";
import type { Store } from "./store/store.ts";
import type { Change } from "./telemetry/change.ts";
import type { Log } from "./telemetry/log.ts";
import type { Metrics } from "./telemetry/metrics.ts";

const PRICES_REFRESH_MS = 10_000;

export type OpenCosts = {
  readonly prices: Prices;
  readonly money: Money;
  /** Ends what goes on by itself: reading prices and closing old days. */
  stop(): Promise<void>;
};

/** Prices, the money that calls hold and spend, and the days of the ledger. */
export async function openCosts(deps: {
  readonly settings: Settings;
  readonly file: ConfigFile;
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Of changes that take longer than a request. */
  readonly change: Change;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly trouble: (what: string) => (error: unknown) => void;
}): Promise<OpenCosts> {
  const { settings, file, store, clock, chance, change, log, metrics, trouble } = deps;
  const { db } = store;
  const prices = await openPrices({ load: () => loadPrices(db), bookOf: bookWith(settings, file) });
  const money = openMoney({
    db,
    clock,
    instance: uuidv7(clock.now(), chance),
    ttlMs: settings.RESERVATION_TTL_SECONDS * 1000,
    waitMs: settings.RESERVATION_WAIT_SECONDS * 1000,
    onExpired: (count) => metrics.expiredReservations.inc(count),
    onTrouble(what, error) {
      if (what === "settling") metrics.settleFailures.inc();
      trouble(`${what} failed and is tried again`)(error);
    },
  });
  const stopKeepingDays = keepLedgerDays({
    db: store.maintenance,
    clock,
    change,
    retentionDays: settings.LEDGER_RETENTION_DAYS,
    onClosing: keepCosts,
    onClosed({ day, calls, costPico }) {
      metrics.closedDays.inc();
      log.info({ day, calls, costUsd: usdText(costPico) }, "day of the ledger closed");
    },
    onTrouble: trouble("days of the ledger not kept"),
  });
  const stopReading = clock.every(PRICES_REFRESH_MS, () =>
    prices.readPrices().catch(trouble("prices not read")),
  );
  return {
    prices,
    money,
    async stop() {
      stopReading();
      await stopKeepingDays();
    },
  };
}
