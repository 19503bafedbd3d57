import { after, beforeEach } from "node:test";
import { sql } from "kysely";
import { systemClock } from "../lib/clock.ts";
import { systemChance, uuidv7 } from "../lib/ids.ts";
import type { Store } from "../store/store.ts";
import type { Db } from "../store/tables.ts";
import { testStore } from "../store/testing.ts";
import type { ReservedCall, Settlement } from "./ledger.ts";
import { ratesFrom } from "./rates.ts";
import type { Usage } from "./usage.ts";

/** A call of now by `usr_ann`, outside any budget; what a test is about is said in `fields`. Imported by tests only. */
export function callOf(fields: Partial<ReservedCall> = {}): Omit<ReservedCall, "reservedPico"> {
  const createdAtMs = fields.createdAtMs ?? systemClock.now();
  return {
    id: uuidv7(createdAtMs, systemChance),
    userId: "usr_ann",
    keyId: undefined,
    projectId: undefined,
    operation: "chat",
    endpointClass: "inference",
    provider: "openai",
    model: "gpt-5.1",
    streamed: false,
    correlationId: "req_0123456789",
    createdAtMs,
    price: {
      source: "shipped",
      id: "openai/gpt-5.1",
      rates: ratesFrom({ input: "10", cachedInput: "1", output: "30" }),
    },
    budgetIds: [],
    ...fields,
  };
}

/** The call, completed with a reported usage at a cost of 1,000 pico-USD. */
export function settlementOf(call: ReservedCall, fields: Partial<Settlement> = {}): Settlement {
  return {
    ...call,
    usage: usageOf({ input: 100, cacheRead: 40, output: 20 }),
    usageSource: "reported",
    costPico: 1_000n,
    status: 200,
    outcome: "completed",
    latencyMs: 12.3,
    lines: [],
    ...fields,
  };
}

export function usageOf(fields: Partial<Usage>): Usage {
  return { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0, ...fields };
}

/** A database for all tests of a file; each begins with empty books. */
export async function storeForTests(): Promise<Store> {
  const store = await testStore();
  after(() => store.close());
  beforeEach(async () => {
    await sql`truncate budgets, budget_alerts, reservations, prompt_runs, prompt_run_lines, ledger_adjustments,
      closed_days, closed_budget_spending, daily_costs, prices restart identity`.execute(store.db);
  });
  return store;
}

/** Where budgets or roll-ups say something else than ledger and reservations; empty if the books agree. */
export async function disagreements(db: Db): Promise<readonly unknown[]> {
  const budgets = await sql`
    select id, spent_pico, reserved_pico, ledger, held
    from (
      select id, spent_pico, reserved_pico,
        (select coalesce(sum(cost_pico), 0) from prompt_runs where budgets.id = any(budget_ids)) as ledger,
        (select coalesce(sum(amount_pico), 0) from reservations where budgets.id = any(budget_ids)) as held
      from budgets
    ) as budget
    where spent_pico <> ledger or reserved_pico <> held`.execute(db);
  const rollUps = await sql`
    select day, user_id, key_id, project_id, operation, provider, model, sum(calls) as calls, sum(cost) as cost
    from (
      select day, user_id, key_id, project_id, operation, provider, model, 1 as calls, coalesce(input_tokens, 0) as input,
        coalesce(cached_input_tokens, 0) as cached, coalesce(output_tokens, 0) as output, cost_pico as cost,
        case when usage_source = 'reported' then 0 else cost_pico end as estimated,
        coalesce(unpriced_pico, 0) as unpriced
      from prompt_runs
      union all
      select day, user_id, key_id, project_id, operation, provider, model, -calls, -input_tokens,
        -cached_input_tokens, -output_tokens, -cost_pico, -estimated_cost_pico,
        -unpriced_cost_pico
      from daily_costs
    ) as difference
    group by day, user_id, key_id, project_id, operation, provider, model
    having sum(calls) <> 0 or sum(input) <> 0 or sum(cached) <> 0 or sum(output) <> 0 or sum(cost) <> 0
      or sum(estimated) <> 0 or sum(unpriced) <> 0`.execute(db);
  return [...budgets.rows, ...rollUps.rows];
}

/** Where a test expects no trouble. */
export function noTrouble(error: unknown): never {
  throw error;
}
