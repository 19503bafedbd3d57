import { sql } from "kysely";
import type { Pico } from "../lib/money.ts";
import type { BudgetsTable } from "../store/tables.costs.ts";
import type { Db } from "../store/tables.ts";

export type BudgetScope = BudgetsTable["scope"];
export type BudgetPeriod = "none" | "day" | "week" | "month";

export type NewBudget = {
  readonly scope: BudgetScope;
  readonly scopeId: string;
  readonly allocatedPico: Pico;
  readonly period: BudgetPeriod;
};

/** Whose budgets a call is under. */
export type BudgetOwners = {
  readonly userId: string;
  readonly keyId: number | undefined;
  readonly projectId: number | undefined;
  readonly teamId: number | undefined;
};

export type BudgetStatus = {
  readonly status: "ok" | "warning" | "critical" | "exceeded";
  readonly spentPico: Pico;
  readonly reservedPico: Pico;
  /** allocated - spent; below zero after an overrun. Reservations do not lower it. */
  readonly remainingPico: Pico;
  /** Of what is allocated, cut to two decimals. */
  readonly percentageUsed: number;
};

/** Warning from 80 %, critical from 95 %, exceeded from 100 % spent (B1). Of nothing, everything is spent. */
export function budgetStatus(spentPico: Pico, reservedPico: Pico, allocatedPico: Pico): BudgetStatus {
  const spentInAll = spentPico * 100n;
  let status: BudgetStatus["status"] = "ok";
  if (spentInAll >= allocatedPico * 80n) status = "warning";
  if (spentInAll >= allocatedPico * 95n) status = "critical";
  if (spentInAll >= allocatedPico * 100n) status = "exceeded";
  const percentageUsed = allocatedPico === 0n ? 100 : Number((spentInAll * 100n) / allocatedPico) / 100;
  return { status, spentPico, reservedPico, remainingPico: allocatedPico - spentPico, percentageUsed };
}

/** When the period began that `at` (milliseconds since the epoch) lies in, UTC; weeks begin on Monday. */
export function periodStart(period: Exclude<BudgetPeriod, "none">, at: number): Date {
  const time = new Date(at);
  const day = time.getUTCDate();
  const firstDay = { day, week: day - ((time.getUTCDay() + 6) % 7), month: 1 }[period];
  return new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), firstDay));
}

/** When the period that `at` lies in ends and the next one begins. */
export function periodEnd(period: Exclude<BudgetPeriod, "none">, at: number): Date {
  const start = periodStart(period, at);
  const [months, days] = { day: [0, 1], week: [0, 7], month: [1, 0] }[period] as [number, number];
  return new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + months, start.getUTCDate() + days));
}

/** Answers its number. A second budget for the same scope and period fails with SQLSTATE 23505. */
export async function createBudget(db: Db, budget: NewBudget, now: number): Promise<number> {
  const created = await db
    .insertInto("budgets")
    .values({
      scope: budget.scope,
      scope_id: budget.scopeId,
      period: budget.period,
      period_start: budget.period === "none" ? null : periodStart(budget.period, now),
      allocated_pico: budget.allocatedPico.toString(),
      created_at: new Date(now),
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  return created.id;
}

export type Budget = {
  readonly id: number;
  readonly scopeId: string;
  readonly period: BudgetPeriod;
  readonly allocatedPico: Pico;
  readonly spentPico: Pico;
  readonly reservedPico: Pico;
};

/**
 * The budgets a call is under at `now`, ascending. Opens the period that `now` lies in with what the last one allocated:
 * whoever comes first makes its row, and everybody gets that one. Who changes or removes the budget meanwhile holds the
 * last row, so that a removed budget never comes back with a new period.
 */
export async function budgetIdsFor(db: Db, owners: BudgetOwners, now: number): Promise<readonly number[]> {
  const scopes: readonly (readonly [BudgetScope, string | number | undefined])[] = [
    ["user", owners.userId],
    ["key", owners.keyId],
    ["project", owners.projectId],
    ["team", owners.teamId],
  ];
  const named = scopes.filter(([, id]) => id !== undefined);
  const { rows } = await sql<{ id: number }>`
    with latest as (
      select distinct on (scope, scope_id, period) id, period, period_start
      from budgets
      join unnest(${named.map(([scope]) => scope)}::text[], ${named.map(([, id]) => String(id))}::text[])
        as owner (scope, scope_id) using (scope, scope_id)
      order by scope, scope_id, period, period_start desc
    ),
    current (period, start) as (
      values ('day', ${periodStart("day", now)}::timestamptz), ('week', ${periodStart("week", now)}),
        ('month', ${periodStart("month", now)})
    ),
    ended as materialized (
      select scope, scope_id, period, allocated_pico from budgets
      where id in (select id from latest join current using (period) where period_start < start)
      order by id for share
    ),
    opened as (
      insert into budgets (scope, scope_id, period, period_start, allocated_pico, created_at)
      select scope, scope_id, period, start, allocated_pico, ${new Date(now)}::timestamptz
      from ended join current using (period)
      order by scope, scope_id, period
      on conflict (scope, scope_id, period, period_start) do update set allocated_pico = budgets.allocated_pico
      returning id
    )
    select id from latest left join current using (period)
    where period_start is null or period_start >= start
    union all select id from opened
    order by id`.execute(db);
  return rows.map(({ id }) => id);
}
