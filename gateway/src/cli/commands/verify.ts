import { z } from "zod";
import { repairBooks } from "../../costs/verify.repair.ts";
import {
  type BooksCheck,
  checkBooks,
  checkDay,
  type Drift,
  daysOfBooks,
  driftOf,
} from "../../costs/verify.ts";
import { DAY_MS, utcDay } from "../../lib/clock.ts";
import { type CommandDeps, dataCommand } from "../command.ts";
import { amount, table } from "../table.ts";

const STEP_MS = 1_000;

const driftFields = z.object({
  scope: z.string(),
  id: z.string(),
  counter: z.string(),
  expected: z.string(),
  found: z.string(),
});

/** What is found so far, and the days that are left: budgets come first. */
const soFar = z.object({
  checked: z.int(),
  drift: z.array(driftFields),
  repaired: z.int(),
  left: z.object({ first: z.iso.date(), next: z.iso.date(), last: z.iso.date() }).nullable(),
});

type Verification = z.infer<typeof soFar> & { readonly repair: boolean };

const verify = dataCommand({
  name: "verify",
  about: "Check every roll-up and budget against the ledger.",
  options: [["--repair", "set right what differs", () => true]],
  input: z.strictObject({ repair: z.boolean().default(false), from: soFar.optional() }),
  async run(deps, { repair, from }): Promise<Verification> {
    const { maintenance, clock } = deps;
    if (from === undefined) {
      const budgets = await checkBooks(maintenance, { budgetsOnly: true });
      const days = await daysOfBooks(maintenance);
      const left = days === undefined ? null : { ...days, next: days.first };
      return { ...(await judged(deps, budgets, repair)), left, repair };
    }
    const until = clock.monotonic() + STEP_MS;
    const found = { ...from, drift: [...from.drift] };
    while (found.left !== null && clock.monotonic() < until) {
      const { first, next, last } = found.left;
      const day = await judged(deps, await checkDay(maintenance, next), repair);
      found.checked += day.checked;
      found.drift.push(...day.drift);
      found.repaired += day.repaired;
      found.left = next >= last ? null : { first, next: utcDay(Date.parse(next) + DAY_MS), last };
    }
    return { ...found, repair };
  },
  show({ checked, drift, repaired, left, repair }) {
    if (left !== null) {
      const progress = { done: daysFrom(left.first, left.next), total: daysFrom(left.first, left.last) + 1 };
      const next = { repair, from: { checked, drift, repaired, left } };
      return { text: "", json: "", next, progress: { ...progress, what: "days" } };
    }
    const json = JSON.stringify({ checked, drift, repaired });
    const summary = `${checked} roll-ups and budgets checked.`;
    if (drift.length === 0) return { text: `${summary}\nThe books agree with the ledger.`, json };
    const rows = drift.map((each) => [each.scope, each.id, each.counter, each.expected, each.found]);
    const open = drift.length - repaired;
    const outcome =
      open === 0 ? `${repaired} counters repaired.` : `${open} counters differ: tollgate verify --repair`;
    return {
      text: [summary, table(["SCOPE", "ID", "COUNTER", amount("EXPECTED"), amount("FOUND")], rows), outcome],
      json,
      isLeftUndone: open > 0,
    };
  },
});

async function judged(
  { change, by }: CommandDeps,
  check: BooksCheck,
  repair: boolean,
): Promise<{ checked: number; drift: Drift[]; repaired: number }> {
  const repaired = repair ? await repairBooks({ change }, by.cause, check) : 0;
  return { checked: check.checked, drift: [...driftOf(check)], repaired };
}

function daysFrom(first: string, day: string): number {
  return Math.round((Date.parse(day) - Date.parse(first)) / DAY_MS);
}

export const verifyCommands = [verify];
