import { erasePersonal } from "./app.erasure.ts";
import { peppersOf, secretKeysOf } from "./app.people.ts";
import { quotas } from "./calls/quotas.ts";
import { BY_OPERATOR, type CommandDeps } from "./cli/command.ts";
import { bookWith, filePlans, limitPlan } from "./config/config.ts";
import type { ConfigFile } from "./config/file.ts";
import { providerRules } from "./config/providers.ts";
import { secretKeyOf } from "./config/secret-key.ts";
import type { Settings } from "./config/settings.ts";
import { loadPrices } from "./costs/prices.stored.ts";
import { hashGate } from "./identity/hash-gate.ts";
import { passwords } from "./identity/passwords.ts";
import { raiseEpoch } from "./identity/users.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { systemChance as chance } from "./lib/ids.ts";
import { parseNetworks } from "./lib/networks.ts";
import { outbound } from "./lib/outbound.ts";
import { derivedKey } from "./lib/secrets.ts";
import { allLimits } from "./limits/applicable.ts";
import { memoryCounters } from "./limits/counters.memory.ts";
import { holdPlan, planOf } from "./limits/plans.ts";
import { knownProviders } from "./providers/known.ts";
import { loadProviders } from "./providers/stored.ts";
import type { Store } from "./store/store.ts";
import { changes } from "./telemetry/change.ts";
import { signingSecret, webhookKey } from "./telemetry/webhook.ts";

/** What commands use that run in this process. */
export function commandDeps(settings: Settings, file: ConfigFile, { db, maintenance }: Store): CommandDeps {
  const secretKey = secretKeyOf(settings, chance);
  const pepper = peppersOf(settings, secretKey)[0]!;
  const secretKeys = secretKeysOf(settings, secretKey);
  const macKeys = secretKeys.map((key) => derivedKey(key, "audit-mac"));
  const signing = derivedKey(secretKeys[0]!, "webhook-signing");
  // Servers hear of the change by NOTIFY.
  const changing = { clock, chance, macKey: macKeys[0]!, raiseEpoch, announce: async () => {} };
  const plans = filePlans(file);
  const bookOf = bookWith(settings, file);
  const providing = providerRules(settings, file, secretKeys);
  // A user's own limits have nothing to do with addresses and devices.
  const rules = { ...limitPlan(settings, file), subjectOfAddress: () => "", subjectOfDevice: () => "" };
  return {
    by: BY_OPERATOR,
    db,
    maintenance,
    clock,
    chance,
    pepper,
    macKeys,
    change: changes({ ...changing, db }),
    longChange: changes({ ...changing, db: maintenance }),
    holdPlan: holdPlan(plans),
    filePlans: plans,
    planOf: planOf(plans),
    allLimits: (subject) => allLimits(rules, subject),
    // Of an embedded database whose server does not run, nothing is counted. Elsewhere servers hold the counters.
    counters: settings.DATABASE_URL === undefined ? memoryCounters({ clock }) : undefined,
    quotas: quotas({ db, clock }),
    bookOf,
    readPrices: async () => bookOf(await loadPrices(db)),
    providers: {
      ...providing,
      readProviders: async () => knownProviders(providing, await loadProviders(db)),
    },
    outbound: outbound({ clock, allowed: parseNetworks(settings.OUTBOUND_ALLOW_CIDRS).networks }),
    webhookSecret: (id) => signingSecret(webhookKey(signing, id)),
    erasePersonal,
    passwords: passwords(hashGate({ running: 1, waiting: 8 })),
    defaultUser: settings.APP_AUTH_DEFAULT_USER,
  };
}
