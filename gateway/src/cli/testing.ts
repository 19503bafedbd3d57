import { quotas } from "../calls/quotas.ts";
import { bookWith, limitPlan } from "../config/config.ts";
import { readSettings } from "../config/environment.ts";
import { readConfigFile } from "../config/file.ts";
import { loadPrices } from "../costs/prices.stored.ts";
import { type IdentityDeps, identityDeps } from "../identity/testing.ts";
import { allLimits } from "../limits/applicable.ts";
import { memoryCounters } from "../limits/counters.memory.ts";
import type { Db } from "../store/tables.ts";
import { erasePersonal } from "../telemetry/audit.personal.ts";
import type { CommandDeps } from "./command.ts";

/** What commands use, in virtual time, with the settings as they are by default. Imported by tests only. */
export function commandDeps(db: Db, seed: number): CommandDeps & IdentityDeps {
  const identity = identityDeps(db, seed);
  const { clock } = identity;
  const nameless = { subjectOfAddress: () => "address", subjectOfDevice: () => "device" };
  const rules = { ...limitPlan(readSettings({}), readConfigFile(undefined)), ...nameless };
  const bookOf = bookWith(readSettings({}), readConfigFile(undefined));
  return {
    ...identity,
    maintenance: db,
    erasePersonal,
    defaultUser: "usr_dev",
    allLimits: (subject) => allLimits(rules, subject),
    counters: memoryCounters({ clock }),
    quotas: quotas({ db, clock }),
    bookOf,
    readPrices: async () => bookOf(await loadPrices(db)),
  };
}
