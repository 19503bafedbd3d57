import { sql } from "kysely";
import { type Clock, isoTime } from "../lib/clock.ts";
import { type Pico, usdText } from "../lib/money.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import { hasPartition, orLater, partitionOf, waitForNobody } from "./partitions.ts";

/** What was on the ledger of a UTC day. */
export type ClosedDay = { readonly day: string; readonly calls: number; readonly costPico: Pico };

export type RetentionDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly change: Change;
  /** In the transaction that takes the rows of a day (UTC): for what of them is kept elsewhere. */
  readonly onClosing?: (tx: Tx, day: string) => Promise<void>;
  readonly onClosed: (closed: ClosedDay) => void;
  /** Looked at before each day: true leaves the rest for another time. */
  readonly isStopping?: () => boolean;
};

const BY_RETENTION: Cause = { actor: { type: "system", id: "retention" } };

/**
 * Takes the rows of every day before `firstKept` (UTC) from the ledger, the oldest day first. What budgets spent by
 * them is carried, and their roll-ups stay, so that no report and no budget changes. A row that comes later still is
 * added to what its day carries. Ends early where it would have to wait for others.
 */
export async function closeDays(deps: RetentionDeps, firstKept: string): Promise<void> {
  for (let day = await oldestDay(deps.db); day !== null; day = await oldestDay(deps.db, day)) {
    if (day >= firstKept || deps.isStopping?.() === true) return;
    const closed = await orLater(closeDay(deps, day), undefined);
    if (closed === undefined) return;
    if (closed.calls > 0) deps.onClosed(closed);
  }
}

/** Nobody closes days and prices calls again at the same time, in any process. */
export async function holdPast(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('tollgate ledger past'))`.execute(tx);
}

/** The first day after `after` that has rows or an empty partition. */
async function oldestDay(db: Db, after = "-infinity"): Promise<string | null> {
  const { rows } = await sql<{ day: string | null }>`
    with own as (
      select to_date(right(relname, 8), 'YYYYMMDD') as day
      from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = 'prompt_runs'::regclass and relname ~ '^prompt_runs_[0-9]{8}$'
    )
    select least(
      (select min(day) from prompt_runs where day > ${after}::date),
      (select min(day) from own where day > ${after}::date)
    ) as day`.execute(db);
  return rows[0]!.day;
}

async function closeDay({ clock, change, onClosing }: RetentionDeps, day: string): Promise<ClosedDay> {
  return change(BY_RETENTION, async (tx, note) => {
    await waitForNobody(tx);
    await holdPast(tx);
    const partition = sql.id(partitionOf(day));
    const isApart = await hasPartition(tx, day);
    // From here on nothing is added to it that would go with it.
    if (isApart) await sql`lock table ${partition} in share row exclusive mode`.execute(tx);
    await onClosing?.(tx, day);
    const closed = await carry(tx, day, isApart, clock.now());
    if (isApart) await sql`drop table ${partition}`.execute(tx);
    if (closed.calls > 0) {
      note({
        action: "ledger.close",
        target: { type: "ledger", id: day },
        changes: { calls: [closed.calls, 0], cost_usd: [usdText(closed.costPico), "0"] },
      });
    }
    return closed;
  });
}

/** Rows that lie in a partition of their own are gone with it; others are deleted here. */
async function carry(tx: Tx, day: string, isApart: boolean, now: number): Promise<ClosedDay> {
  const columns = sql`id, budget_ids, cost_pico`;
  const taken = isApart
    ? sql`select ${columns} from prompt_runs where day = ${day}::date`
    : sql`delete from prompt_runs where day = ${day}::date returning ${columns}`;
  const { rows } = await sql<{ calls: number; pico: string }>`
    with taken as (${taken}),
    lines as (delete from prompt_run_lines where day = ${day}::date),
    adjusted as (delete from ledger_adjustments where day = ${day}::date returning call_id as id, delta_pico),
    charge as (
      select budget_ids, cost_pico as pico from taken
      union all
      select budget_ids, delta_pico from adjusted join taken using (id)
    ),
    carried as (
      insert into closed_budget_spending (day, budget_id, spent_pico)
      select ${day}::date, budget_id, sum(pico) from charge cross join unnest(budget_ids) as budget_id
      group by budget_id
      on conflict (day, budget_id) do update set
        spent_pico = closed_budget_spending.spent_pico + excluded.spent_pico
    ),
    total as (
      select (select count(*) from taken) as calls, (select coalesce(sum(pico), 0) from charge) as pico
    ),
    closed as (
      insert into closed_days (day, calls, cost_pico, closed_at)
      select ${day}::date, calls, pico, ${isoTime(now)}::timestamptz from total where calls > 0
      on conflict (day) do update set calls = closed_days.calls + excluded.calls,
        cost_pico = closed_days.cost_pico + excluded.cost_pico, closed_at = excluded.closed_at
    )
    select calls, pico from total`.execute(tx);
  const { calls, pico } = rows[0]!;
  return { day, calls, costPico: BigInt(pico) };
}
