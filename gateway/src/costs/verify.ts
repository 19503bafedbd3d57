import { sql } from "kysely";
import type { Clock } from "../lib/clock.ts";
import type { Db, Tx } from "../store/tables.ts";
import { addSpentOn, type BudgetDrift, compareBudgets } from "./verify.budgets.ts";
import { compareDay, countersOf, type RollUpDrift, rollUpId } from "./verify.roll-ups.ts";

/** The books in one snapshot: where they differ from ledger and reservations. */
export type BooksCheck = {
  /** How many roll-up rows and budget rows were compared. */
  readonly checked: number;
  readonly budgets: readonly BudgetDrift[];
  readonly rollUps: readonly RollUpDrift[];
  /** Of the last audit entry in the snapshot: a repair after it has moved what was found here. */
  readonly auditSeq: number;
  /** False: the time was up before everything was compared. */
  readonly isWhole: boolean;
};

/** One counter that differs. Money in pico-USD; all as decimal digits. */
export type Drift = {
  /** `project`, `user`, `team` or `key` of a budget; `daily_costs` of a roll-up. */
  readonly scope: string;
  /** What the budget is for, and its number; the key of the roll-up. */
  readonly id: string;
  readonly counter: string;
  readonly expected: string;
  readonly found: string;
};

export type CheckOptions = {
  /** UTC day: calls from it on, and what is spent of budgets made after it. Undefined: everything. */
  readonly sinceDay?: string;
  /** When to stop, by the monotonic clock. */
  readonly until?: { readonly clock: Clock; readonly atMs: number };
};

/**
 * Recomputes roll-ups from the ledger, and what is spent and reserved of budgets from ledger and reservations: day by
 * day in one snapshot, while calls go on. On the embedded database they wait meanwhile.
 */
export function checkBooks(db: Db, { sinceDay, until }: CheckOptions = {}): Promise<BooksCheck> {
  const snapshot = db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only");
  return snapshot.execute(async (tx) => {
    const { seq } = await tx
      .selectFrom("audit_chain_heads")
      .select(({ fn }) => fn.max("seq").as("seq"))
      .executeTakeFirstOrThrow();
    const found = { checked: 0, budgets: [], rollUps: [] as RollUpDrift[], auditSeq: Number(seq) };
    const spent = new Map<number, bigint>();
    for (let day = await dayFrom(tx, sinceDay); day !== null; day = await dayAfter(tx, day)) {
      if (until !== undefined && until.clock.monotonic() >= until.atMs) return { ...found, isWhole: false };
      const { checked, drift } = await compareDay(tx, day);
      found.checked += checked;
      found.rollUps.push(...drift);
      await addSpentOn(tx, day, spent);
    }
    const budgets = await compareBudgets(tx, spent, sinceDay);
    return { ...found, checked: found.checked + budgets.checked, budgets: budgets.drift, isWhole: true };
  });
}

/** Every counter that differs, budgets first. */
export function driftOf({ budgets, rollUps }: Pick<BooksCheck, "budgets" | "rollUps">): readonly Drift[] {
  const ofBudgets = budgets.flatMap(({ id, scope, scopeId, spent, reserved }) =>
    [
      { counter: "spent_pico", ...spent },
      { counter: "reserved_pico", ...reserved },
    ].map((counter) => ({ scope, id: `${scopeId} (budget ${id})`, ...counter })),
  );
  const ofRollUps = rollUps.flatMap((drift) =>
    countersOf(drift).map((counter) => ({ scope: "daily_costs", id: rollUpId(drift), ...counter })),
  );
  return [...ofBudgets, ...ofRollUps].filter(({ expected, found }) => expected !== found);
}

function dayFrom(tx: Tx, day: string | undefined): Promise<string | null> {
  return earliestDay(tx, day === undefined ? sql`true` : sql`day >= ${day}::date`);
}

function dayAfter(tx: Tx, day: string): Promise<string | null> {
  return earliestDay(tx, sql`day > ${day}::date`);
}

async function earliestDay(tx: Tx, where: ReturnType<typeof sql>): Promise<string | null> {
  const { rows } = await sql<{ day: string | null }>`
    select least((select min(day) from prompt_runs where ${where}), (select min(day) from daily_costs where ${where}))
      as day`.execute(tx);
  return rows[0]!.day;
}
