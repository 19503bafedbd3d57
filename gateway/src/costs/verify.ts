import { sql } from "kysely";
import type { Clock } from "../lib/clock.ts";
import { isOutage } from "../store/outages.ts";
import type { Db, Tx } from "../store/tables.ts";
import {
  addCarried,
  addSpentOn,
  type BudgetDrift,
  compareBudgets,
  isAnySpentKnown,
} from "./verify.budgets.ts";
import { compareLines, type LineDrift } from "./verify.lines.ts";
import { compareDay, countersOf, type RollUpDrift, rollUpId } from "./verify.roll-ups.ts";

/** The books in one snapshot: where they differ from ledger and reservations. */
export type BooksCheck = {
  /** How many roll-up rows and budget rows were compared. */
  readonly checked: number;
  readonly budgets: readonly BudgetDrift[];
  readonly rollUps: readonly RollUpDrift[];
  readonly lines: readonly LineDrift[];
  /** Of the last audit entry in the snapshot: a repair after it has moved what was found here. */
  readonly auditSeq: number;
  /** False: the time was up before everything was compared. */
  readonly isWhole: boolean;
};

/** One counter that differs. Money in pico-USD; all as decimal digits. */
export type Drift = {
  /** `project`, `user`, `team` or `key` of a budget; `daily_costs` of a roll-up; `prompt_runs` of a ledger row. */
  readonly scope: string;
  /** What the budget is for, and its number; the key of the roll-up; day and id of the call. */
  readonly id: string;
  readonly counter: string;
  readonly expected: string;
  readonly found: string;
};

export type CheckOptions = {
  /** UTC day: calls from it on, and what is spent of budgets made after it. Undefined: everything. */
  readonly sinceDay?: string;
  /** Roll-ups and lines are left to `checkDay`. */
  readonly budgetsOnly?: boolean;
  /** When to stop, by the monotonic clock. */
  readonly until?: { readonly clock: Clock; readonly atMs: number };
};

/**
 * Recomputes roll-ups from the ledger, and what is spent and reserved of budgets from ledger and reservations: day by
 * day in one snapshot, while calls go on. On the embedded database they wait meanwhile. Of closed days the roll-ups are
 * all that is left, and believed; what budgets spent on them is carried.
 */
export async function checkBooks(db: Db, options: CheckOptions = {}): Promise<BooksCheck> {
  const found = nothingYet();
  try {
    const isWhole = await inSnapshot(db, found, (tx) => compareAll(tx, options, found));
    return { ...found, isWhole };
  } catch (error) {
    if (options.until !== undefined && isCancelled(error)) return { ...found, isWhole: false };
    throw error;
  }
}

/** The roll-ups and lines of one UTC day, in a snapshot of their own. */
export async function checkDay(db: Db, day: string): Promise<BooksCheck> {
  const found = nothingYet();
  await inSnapshot(db, found, async (tx) => {
    if (!(await closedDays(tx)).has(day)) await compareRows(tx, day, found);
  });
  return { ...found, isWhole: true };
}

/** The first and the last UTC day that the books tell of. Undefined: none. */
export async function daysOfBooks(db: Db): Promise<{ first: string; last: string } | undefined> {
  const { rows } = await sql<{ first: string | null; last: string | null }>`
    select least((select min(day) from prompt_runs), (select min(day) from daily_costs)) as first,
      greatest((select max(day) from prompt_runs), (select max(day) from daily_costs)) as last`.execute(db);
  const { first, last } = rows[0]!;
  return first === null || last === null ? undefined : { first, last };
}

type Found = {
  checked: number;
  budgets: readonly BudgetDrift[];
  readonly rollUps: RollUpDrift[];
  readonly lines: LineDrift[];
  auditSeq: number;
};

function nothingYet(): Found {
  return { checked: 0, budgets: [], rollUps: [], lines: [], auditSeq: 0 };
}

function inSnapshot<T>(db: Db, found: Found, work: (tx: Tx) => Promise<T>): Promise<T> {
  const snapshot = db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only");
  return snapshot.execute(async (tx) => {
    // No snapshot shows what a dropped partition held: none is dropped while this lasts.
    await sql`lock table only prompt_runs in access share mode`.execute(tx);
    const { seq } = await tx
      .selectFrom("audit_chain_heads")
      .select(({ fn }) => fn.max("seq").as("seq"))
      .executeTakeFirstOrThrow();
    found.auditSeq = Number(seq);
    return work(tx);
  });
}

/** Answers false if the time was up before the end; it may also be cancelled then. What it has found stands in `found`. */
async function compareAll(
  tx: Tx,
  { sinceDay, until, budgetsOnly = false }: CheckOptions,
  found: Found,
): Promise<boolean> {
  const spent = new Map<number, bigint>();
  const isSpentCompared = await isAnySpentKnown(tx, sinceDay);
  if (isSpentCompared) await addCarried(tx, sinceDay, spent);
  const closed = await closedDays(tx);
  for (let day = await dayFrom(tx, sinceDay); day !== null; day = await dayAfter(tx, day)) {
    if (!(await hasTime(tx, until))) return false;
    if (isSpentCompared) await addSpentOn(tx, day, spent);
    if (budgetsOnly || closed.has(day)) continue;
    if (!(await hasTime(tx, until))) return false;
    await compareRows(tx, day, found);
  }
  const budgets = await compareBudgets(tx, spent, sinceDay);
  found.checked += budgets.checked;
  found.budgets = budgets.drift;
  return true;
}

async function compareRows(tx: Tx, day: string, found: Found): Promise<void> {
  const { checked, drift } = await compareDay(tx, day);
  found.checked += checked;
  found.rollUps.push(...drift);
  found.lines.push(...(await compareLines(tx, day)));
}

/** From here on, no statement of the transaction runs for longer than the time that is left. */
async function hasTime(tx: Tx, until: CheckOptions["until"]): Promise<boolean> {
  if (until === undefined) return true;
  const leftMs = Math.floor(until.atMs - until.clock.monotonic());
  if (leftMs < 1) return false;
  await sql`select set_config('statement_timeout', ${String(leftMs)}, true)`.execute(tx);
  return true;
}

/** By the time limit of a statement. */
function isCancelled(error: unknown): boolean {
  return isOutage(error) && (error.cause as { readonly code?: unknown } | undefined)?.code === "57014";
}

/** Everything that differs, budgets first. */
export function driftOf(found: Pick<BooksCheck, "budgets" | "rollUps" | "lines">): readonly Drift[] {
  const ofLines = found.lines.map(({ day, id, ...amounts }) => ({
    scope: "prompt_runs",
    id: `${day}/${id}`,
    counter: "cost_pico",
    ...amounts,
  }));
  return [...counterDriftOf(found), ...ofLines];
}

/** Every counter that differs: what a repair sets right. */
export function counterDriftOf({
  budgets,
  rollUps,
}: Pick<BooksCheck, "budgets" | "rollUps">): readonly Drift[] {
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

async function closedDays(tx: Tx): Promise<ReadonlySet<string>> {
  const rows = await tx.selectFrom("closed_days").select("day").execute();
  return new Set(rows.map(({ day }) => day));
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
