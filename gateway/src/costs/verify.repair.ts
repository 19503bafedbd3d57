import { sql } from "kysely";
import type { Tx } from "../store/tables.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import type { Amounts } from "./verify.budgets.ts";
import { countersOf, type RollUpDrift } from "./verify.roll-ups.ts";
import { type BooksCheck, counterDriftOf } from "./verify.ts";

/** An audit entry names so many counters at most; how many there were, it always says. */
const MOST_NAMED = 100;

/**
 * Adds to every counter what the check found missing. Calls may go on between check and repair: they move ledger and
 * counters alike, and the difference stays. Answers how many counters were repaired: none if somebody else has
 * repaired since the check. One audit entry, `books.repair`.
 */
export async function repairBooks(
  { change }: { readonly change: Change },
  cause: Cause,
  found: BooksCheck,
): Promise<number> {
  const drift = counterDriftOf(found);
  if (drift.length === 0) return 0;
  return change(cause, async (tx, note) => {
    await sql`select pg_advisory_xact_lock(hashtext('tollgate books.repair'))`.execute(tx);
    if (await wasRepairedSince(tx, found.auditSeq)) return 0;
    await moveBudgets(tx, found);
    await moveRollUps(tx, found.rollUps);
    const named = drift.slice(0, MOST_NAMED);
    note({
      action: "books.repair",
      target: { type: "books", id: "all" },
      reason: `${drift.length} counters`,
      changes: Object.fromEntries(
        named.map(({ scope, id, counter, found: was, expected }) => [
          `${scope} ${id} ${counter}`,
          [was, expected],
        ]),
      ),
    });
    return drift.length;
  });
}

async function wasRepairedSince(tx: Tx, auditSeq: number): Promise<boolean> {
  const { rows } = await sql`
    select from audit_entries
    where entry::jsonb ->> 'action' = 'books.repair' and seq > ${auditSeq}::bigint limit 1`.execute(tx);
  return rows.length > 0;
}

async function moveBudgets(tx: Tx, { budgets }: BooksCheck): Promise<void> {
  if (budgets.length === 0) return;
  const items = budgets.map(({ id, spent, reserved }) => ({
    id,
    spent: missing(spent),
    reserved: missing(reserved),
  }));
  await tx
    .selectFrom("budgets")
    .select("id")
    .where(
      "id",
      "in",
      budgets.map(({ id }) => id),
    )
    .orderBy("id")
    .forUpdate()
    .execute();
  await sql`
    update budgets set spent_pico = spent_pico + item.spent, reserved_pico = reserved_pico + item.reserved
    from jsonb_to_recordset(${JSON.stringify(items)}::jsonb) as item (id bigint, spent numeric, reserved numeric)
    where budgets.id = item.id`.execute(tx);
}

async function moveRollUps(tx: Tx, rollUps: readonly RollUpDrift[]): Promise<void> {
  if (rollUps.length === 0) return;
  const items = rollUps.map(({ expected: _, found: __, ...key }, index) => ({
    ...key,
    ...Object.fromEntries(countersOf(rollUps[index]!).map((pair) => [pair.counter, missing(pair)])),
  }));
  await sql`
    insert into daily_costs
    select * from jsonb_populate_recordset(null::daily_costs, ${JSON.stringify(items)}::jsonb)
    order by day, user_id, key_id, project_id, operation, provider, model
    on conflict (day, user_id, key_id, project_id, operation, provider, model) do update set
      calls = daily_costs.calls + excluded.calls,
      input_tokens = daily_costs.input_tokens + excluded.input_tokens,
      cached_input_tokens = daily_costs.cached_input_tokens + excluded.cached_input_tokens,
      output_tokens = daily_costs.output_tokens + excluded.output_tokens,
      cost_pico = daily_costs.cost_pico + excluded.cost_pico,
      estimated_cost_pico = daily_costs.estimated_cost_pico + excluded.estimated_cost_pico,
      unpriced_cost_pico = daily_costs.unpriced_cost_pico + excluded.unpriced_cost_pico`.execute(tx);
}

function missing({ expected, found }: Amounts): string {
  return (BigInt(expected) - BigInt(found)).toString();
}
