import { sql } from "kysely";
import { type Clock, isoTime } from "../lib/clock.ts";
import { usdText } from "../lib/money.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Announce } from "../telemetry/notifier.outbox.ts";
import { type BudgetPeriod, type BudgetScope, budgetStatus } from "./budgets.ts";

const types = { 80: "budget.warning", 95: "budget.critical", 100: "budget.exceeded" } as const;
type Level = keyof typeof types;

/**
 * Announces every level that a budget row has crossed and was not announced for, each once, whoever looks (B5). A
 * budget that was raised above a level is announced again when it crosses it again. Answers how many were announced.
 */
export function announceCrossed({
  db,
  clock,
  announce,
  among,
}: {
  readonly db: Db;
  readonly clock: Clock;
  readonly announce: Announce;
  /** The budgets to look at; undefined: all. */
  readonly among?: readonly number[];
}): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const looked = among === undefined ? sql`true` : sql`budgets.id = any(${among}::bigint[])`;
    await forgetRaised(tx, looked);
    const crossed = await enterCrossed(tx, looked, new Date(clock.now()));
    for (const row of crossed) await announce(tx, types[row.level], dataOf(row));
    return crossed.length;
  });
}

type Condition = ReturnType<typeof sql>;

/** Spent goes down too, when a late settlement corrects a bound; that alone is no reason to alert twice. */
async function forgetRaised(tx: Tx, looked: Condition): Promise<void> {
  await sql`
    delete from budget_alerts using budgets
    where budgets.id = budget_id and budgets.allocated_pico > budget_alerts.allocated_pico
      and spent_pico * 100 < budgets.allocated_pico * level and ${looked}`.execute(tx);
}

type Crossed = {
  readonly budget_id: number;
  readonly level: Level;
  readonly scope: BudgetScope;
  readonly scope_id: string;
  readonly period: BudgetPeriod;
  readonly period_start: Date | null;
  readonly allocated_pico: string;
  readonly spent_pico: string;
  readonly reserved_pico: string;
  readonly name: string | null;
};

async function enterCrossed(tx: Tx, looked: Condition, at: Date): Promise<readonly Crossed[]> {
  const { rows } = await sql<Crossed>`
    with entered as (
      insert into budget_alerts (budget_id, level, allocated_pico, crossed_at)
      select id, level, allocated_pico, ${at}::timestamptz
      from budgets join unnest(${Object.keys(types)}::smallint[]) as level
        on spent_pico * 100 >= allocated_pico * level
      where spent_pico > 0 and ${looked}
        and not exists (select from budget_alerts where budget_id = budgets.id and budget_alerts.level = level.level)
      order by id, level
      on conflict do nothing
      returning budget_id, level
    )
    select budget_id, level, scope, scope_id, period, period_start, allocated_pico, spent_pico, reserved_pico,
      case scope
        when 'project' then (select name from projects where projects.id::text = scope_id)
        when 'team' then (select name from teams where teams.id::text = scope_id)
        when 'key' then (select name from api_keys where api_keys.id::text = scope_id)
      end as name
    from entered join budgets on budgets.id = budget_id
    order by budget_id, level`.execute(tx);
  return rows;
}

function dataOf(row: Crossed) {
  const allocatedPico = BigInt(row.allocated_pico);
  const { spentPico, remainingPico, percentageUsed } = budgetStatus(
    BigInt(row.spent_pico),
    BigInt(row.reserved_pico),
    allocatedPico,
  );
  return {
    scope: row.scope,
    scope_id: row.scope_id,
    name: row.name,
    threshold_percent: row.level,
    percentage_used: percentageUsed,
    allocated_usd: usdText(allocatedPico),
    spent_usd: usdText(spentPico),
    remaining_usd: usdText(remainingPico),
    period: row.period,
    period_start: row.period_start === null ? null : isoTime(row.period_start.getTime()),
    budget_id: row.budget_id,
  };
}
