import { secretKeysOf } from "./app.people.ts";
import type { Settings } from "./config/settings.ts";
import { announceCrossed } from "./costs/alerts.ts";
import { BUDGETS_CHANNEL } from "./costs/set-budget.ts";
import { driftOf } from "./costs/verify.ts";
import { watchBooks } from "./costs/verify.watch.ts";
import { atMost, type Clock } from "./lib/clock.ts";
import type { Chance } from "./lib/ids.ts";
import { parseNetworks } from "./lib/networks.ts";
import { type Outbound, outbound } from "./lib/outbound.ts";
import { derivedKey } from "./lib/secrets.ts";
import type { Store } from "./store/store.ts";
import type { Log } from "./telemetry/log.ts";
import { mailCourier } from "./telemetry/mail.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { type Announce, announcer } from "./telemetry/notifier.outbox.ts";
import { type Courier, notifier } from "./telemetry/notifier.ts";
import { signingKeysOf, signingSecret, webhookCourier, webhookKey } from "./telemetry/webhook.ts";

const LOOK_EVERY_MS = 3_000;
/** Budgets that nobody here has spent from, too: another process may have died before it looked. */
const LOOK_AT_ALL_EVERY = 20;
/** What is under way for longer is delivered by whoever is next. */
const LONGEST_STOP_MS = 5_000;

/** Everything that tells people of what happened by itself. */
export type OpenAlerts = {
  readonly announce: Announce;
  readonly outbound: Outbound;
  readonly webhookSecret: (id: number) => string;
  /** Something was spent from these budgets: they may have crossed a level. */
  readonly spent: (budgetIds: readonly number[]) => void;
  close(): Promise<void>;
};

export function openAlerts(deps: {
  readonly settings: Settings;
  readonly secretKey: Uint8Array;
  readonly store: Pick<Store, "db" | "listen">;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly trouble: (what: string) => (error: unknown) => void;
}): OpenAlerts {
  const { settings, secretKey, store, clock, chance, log, metrics, trouble } = deps;
  const { db } = store;
  const guarded = outbound({ clock, allowed: parseNetworks(settings.OUTBOUND_ALLOW_CIDRS).networks });
  const derived = secretKeysOf(settings, secretKey).map((key) => derivedKey(key, "webhook-signing"));
  const couriers = {
    webhook: webhookCourier({
      outbound: guarded,
      clock,
      placeOf: ({ url, webhookId }) => ({
        url: url!,
        keys: derived.map((key) => webhookKey(key, webhookId!)),
      }),
    }),
    ...alertWebhook(settings, guarded, clock),
    ...mail(settings),
  };
  const always = (["alert-webhook", "mail"] as const).filter((destination) => destination in couriers);
  const announce = announcer({ clock, chance, always });
  const notifying = notifier({
    db,
    clock,
    couriers,
    onOutcome({ eventId, destination, webhookId, attempts }, outcome, error) {
      metrics.deliveries.labels(destination, outcome).inc();
      if (outcome === "delivered") return;
      log.warn({ eventId, destination, webhookId, attempts, error }, `event ${outcome}`);
    },
    onTrouble: trouble("events not delivered"),
  });
  const stopWatchingBooks = watchBooks({
    db,
    clock,
    onChecked(check) {
      const drift = driftOf(check);
      metrics.ledgerDrift.set(drift.length);
      if (drift.length > 0)
        log.error({ drift: drift.slice(0, 20) }, "the books differ from the ledger: tollgate verify");
      if (!check.isWhole)
        log.warn({ checked: check.checked }, "the books were checked in part: the time was up");
    },
    onTrouble: trouble("books not checked"),
  });
  const spentFrom = new Set<number>();
  let looks = 0;
  /** A budget that is lowered may have crossed a level, too. */
  let haveChanged = false;
  const deaf = trouble("changes of budgets not heard");
  const heard = store.listen(BUDGETS_CHANNEL, () => {
    haveChanged = true;
  });
  heard.catch(deaf);
  const lookForCrossed = async (): Promise<void> => {
    const among = [...spentFrom];
    const isForAll = haveChanged || looks % LOOK_AT_ALL_EVERY === 0;
    looks += 1;
    haveChanged = false;
    if (!isForAll && among.length === 0) return;
    spentFrom.clear();
    try {
      const announced = await announceCrossed({ db, clock, announce, ...(isForAll ? {} : { among }) });
      if (announced > 0) notifying.wake();
    } catch (error) {
      for (const id of among) spentFrom.add(id);
      throw error;
    }
  };
  let looking: Promise<void> | undefined;
  const stopLooking = clock.every(LOOK_EVERY_MS, () => {
    looking ??= lookForCrossed()
      .catch(trouble("budgets not looked at"))
      .finally(() => {
        looking = undefined;
      });
  });
  return {
    announce,
    outbound: guarded,
    webhookSecret: (id) => signingSecret(webhookKey(derived[0]!, id)),
    spent(budgetIds) {
      for (const id of budgetIds) spentFrom.add(id);
    },
    async close() {
      stopLooking();
      await heard.then((stop) => stop()).catch(deaf);
      await Promise.all([looking, stopWatchingBooks()]);
      await atMost(clock, LONGEST_STOP_MS, notifying.close());
    },
  };
}

/** `readSettings` has refused a URL without a secret, and secrets that are none. */
function alertWebhook(settings: Settings, guarded: Outbound, clock: Clock): { "alert-webhook"?: Courier } {
  const { ALERT_WEBHOOK_URL: url, ALERT_WEBHOOK_SECRET: secret } = settings;
  if (url === undefined || secret === undefined) return {};
  const place = { url, keys: signingKeysOf(secret)! };
  return { "alert-webhook": webhookCourier({ outbound: guarded, clock, placeOf: () => place }) };
}

function mail(settings: Settings): { mail?: Courier } {
  const { SMTP_URL: smtpUrl, ALERT_EMAIL_FROM: from, ALERT_EMAIL_TO: to } = settings;
  return smtpUrl === undefined || from === undefined ? {} : { mail: mailCourier({ smtpUrl, from, to }) };
}
