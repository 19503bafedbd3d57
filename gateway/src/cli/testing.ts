import { quotas } from "../calls/quotas.ts";
import { bookWith, limitPlan } from "../config/config.ts";
import { readSettings } from "../config/environment.ts";
import { readConfigFile } from "../config/file.ts";
import { providerRules } from "../config/providers.ts";
import { loadPrices } from "../costs/prices.stored.ts";
import { type IdentityDeps, identityDeps } from "../identity/testing.ts";
import { allLimits } from "../limits/applicable.ts";
import { memoryCounters } from "../limits/counters.memory.ts";
import { knownProviders } from "../providers/known.ts";
import { loadProviders } from "../providers/stored.ts";
import type { Db } from "../store/tables.ts";
import { erasePersonal } from "../telemetry/audit.personal.ts";
import { BY_OPERATOR, type CommandDeps, type Shown } from "./command.ts";
import { loadAllCommands } from "./groups.ts";
import { textOf } from "./table.ts";

/** What commands use, in virtual time, with the settings as they are by default. Imported by tests only. */
export function commandDeps(db: Db, seed: number): CommandDeps & IdentityDeps {
  const identity = identityDeps(db, seed);
  const { clock } = identity;
  const nameless = { subjectOfAddress: () => "address", subjectOfDevice: () => "device" };
  const rules = { ...limitPlan(readSettings({}), readConfigFile(undefined)), ...nameless };
  const providing = providerRules(readSettings({}), readConfigFile(undefined), [Buffer.alloc(32, 0x0f)]);
  const bookOf = bookWith(readSettings({}), readConfigFile(undefined));
  return {
    ...identity,
    filePlans: new Map(),
    outbound: { faultOf: () => undefined },
    webhookSecret: (id) => `whsec_${id}`,
    by: BY_OPERATOR,
    maintenance: db,
    longChange: identity.change,
    erasePersonal,
    defaultUser: "usr_dev",
    allLimits: (subject) => allLimits(rules, subject),
    counters: memoryCounters({ clock }),
    quotas: quotas({ db, clock }),
    bookOf,
    readPrices: async () => bookOf(await loadPrices(db)),
    providers: {
      ...providing,
      readProviders: async () => knownProviders(providing, await loadProviders(db)),
    },
  };
}

const commands = new Map((await loadAllCommands()).map((command) => [command.name, command]));

/** What a person reads of a result, where there is no terminal. */
export function shownBy(name: string, result: object): Omit<Shown, "text"> & { readonly text: string } {
  const all = commands.get(name)!.show(result);
  return { ...all, text: textOf(all.text) };
}
