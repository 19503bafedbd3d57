import { z } from "zod";
import { repairBooks } from "../../costs/verify.repair.ts";
import { checkBooks, type Drift, driftOf } from "../../costs/verify.ts";
import { dataCommand, table } from "../command.ts";

type Verification = { readonly checked: number; readonly drift: readonly Drift[]; readonly repaired: number };

const verify = dataCommand({
  name: "verify",
  about: "Check every roll-up and budget against the ledger.",
  options: [["--repair", "set right what differs", () => true]],
  input: z.strictObject({ repair: z.boolean().default(false) }),
  async run({ maintenance, change, by }, { repair }): Promise<Verification> {
    const check = await checkBooks(maintenance);
    const repaired = repair ? await repairBooks({ change }, by.cause, check) : 0;
    return { checked: check.checked, drift: driftOf(check), repaired };
  },
  show({ checked, drift, repaired }) {
    const left = drift.length - repaired;
    const summary = `${checked} roll-ups and budgets checked.`;
    if (drift.length === 0) return { text: `${summary}\nThe books agree with the ledger.` };
    const rows = drift.map(({ scope, id, counter, expected, found }) => [
      scope,
      id,
      counter,
      expected,
      found,
    ]);
    const outcome =
      left === 0 ? `${repaired} counters repaired.` : `${left} counters differ: tollgate verify --repair`;
    return {
      text: `${summary}\n\n${table(["SCOPE", "ID", "COUNTER", "EXPECTED", "FOUND"], rows)}\n\n${outcome}`,
      isLeftUndone: left > 0,
    };
  },
});

export const verifyCommands = [verify];
