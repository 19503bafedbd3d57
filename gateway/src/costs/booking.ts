import { sql } from "kysely";

/**
 * The last steps of every statement that ends a reservation. They move what the ledger gained or lost, and nothing
 * else, so that ledger, roll-ups and budgets agree at every commit. The statement in front of them defines
 * `booked`, ledger rows with `sign` +1 (entered) or -1 (taken out), and `ended`, the reservations that are over.
 *
 * Whoever takes locks takes them in one order: budgets by id, reservations, ledger, roll-ups by key.
 */
export const booking = sql`
  rolled as (
    insert into daily_costs (day, user_id, key_id, project_id, operation, provider, model,
      calls, input_tokens, cached_input_tokens, output_tokens, cost_pico, estimated_cost_pico, unpriced_cost_pico)
    select day, user_id, key_id, project_id, operation, provider, model,
      sum(sign), sum(sign * coalesce(input_tokens, 0)), sum(sign * coalesce(cached_input_tokens, 0)),
      sum(sign * coalesce(output_tokens, 0)), sum(sign * cost_pico),
      sum(case when usage_source = 'reported' then 0 else sign * cost_pico end),
      sum(sign * coalesce(unpriced_pico, 0))
    from booked
    group by day, user_id, key_id, project_id, operation, provider, model
    order by day, user_id, key_id, project_id, operation, provider, model
    on conflict (day, user_id, key_id, project_id, operation, provider, model) do update set
      calls = daily_costs.calls + excluded.calls,
      input_tokens = daily_costs.input_tokens + excluded.input_tokens,
      cached_input_tokens = daily_costs.cached_input_tokens + excluded.cached_input_tokens,
      output_tokens = daily_costs.output_tokens + excluded.output_tokens,
      cost_pico = daily_costs.cost_pico + excluded.cost_pico,
      estimated_cost_pico = daily_costs.estimated_cost_pico + excluded.estimated_cost_pico,
      unpriced_cost_pico = daily_costs.unpriced_cost_pico + excluded.unpriced_cost_pico
  ),
  moved as (
    update budgets set spent_pico = spent_pico + change.spent, reserved_pico = reserved_pico - change.released
    from (
      select budget_id, sum(spent) as spent, sum(released) as released
      from (
        select unnest(budget_ids) as budget_id, sign * cost_pico as spent, 0 as released from booked
        union all
        select unnest(budget_ids), 0, amount_pico from ended
      ) as changes
      group by budget_id
    ) as change
    where budgets.id = change.budget_id
  )`;
