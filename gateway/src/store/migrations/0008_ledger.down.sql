drop view ledger_view;
create view ledger_view as
  select id, day, user_id, key_id, project_id, operation, endpoint_class, provider, model, input_tokens,
    cached_input_tokens, output_tokens, usage_source, cost_pico, reserved_pico, overrun, price_source,
    price_id, status, outcome, streamed, latency_ms, correlation_id, created_at, settled_at
  from prompt_runs;
drop table closed_budget_spending, closed_days, ledger_adjustments, prompt_run_lines;
alter table prompt_runs drop provider_cost_pico, drop service_tier;
