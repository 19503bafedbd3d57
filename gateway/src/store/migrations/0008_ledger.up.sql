-- Lines of a call, adjustments of its cost, days that are closed, and room for a partition per day.

alter table prompt_runs
  add service_tier text,
  add provider_cost_pico numeric(38, 0);

-- What a call is charged for, if that is more than one thing. Its row's cost is their sum.
create table prompt_run_lines (
  day date not null,
  id uuid not null,
  line smallint not null check (line > 0),
  kind text not null,
  provider text not null,
  model text not null,
  service_tier text,
  usage jsonb,
  cost_pico numeric(38, 0) not null,
  price_source text not null,
  price_id text not null,
  rates jsonb not null,
  primary key (day, id, line)
);

-- What re-pricing adds to the cost of a call, or takes from it. line: 0 is the call's row, for calls without lines.
create table ledger_adjustments (
  id bigint generated always as identity primary key,
  day date not null,
  call_id uuid not null,
  line smallint not null,
  delta_pico numeric(38, 0) not null,
  price_source text not null,
  price_id text not null,
  rates jsonb not null,
  reason text not null,
  posted_at timestamptz not null,
  posted_by text not null
);
create index ledger_adjustments_by_call on ledger_adjustments (day, call_id);

-- Days whose rows are gone. Their roll-ups stay.
create table closed_days (
  day date primary key,
  calls bigint not null,
  cost_pico numeric(38, 0) not null,
  closed_at timestamptz not null
);

-- What these rows had spent, adjustments included. Budgets may be gone too.
create table closed_budget_spending (
  day date not null,
  budget_id bigint not null,
  spent_pico numeric(38, 0) not null,
  primary key (day, budget_id)
);

-- Attaching a partition looks through the default one, so that begins anew, empty.
do $$
declare
  last date := (select max(day) from prompt_runs);
begin
  if last is null or exists (
    select from pg_inherits where inhparent = 'prompt_runs'::regclass and inhrelid <> 'prompt_runs_default'::regclass
  ) then
    return;
  end if;
  alter table prompt_runs detach partition prompt_runs_default;
  alter table prompt_runs_default rename to prompt_runs_before;
  execute format('alter table prompt_runs attach partition prompt_runs_before for values from (minvalue) to (%L)', last + 1);
  create table prompt_runs_default partition of prompt_runs default;
end $$;

create or replace view ledger_view as
  select id, day, user_id, key_id, project_id, operation, endpoint_class, provider, model, input_tokens,
    cached_input_tokens, output_tokens, usage_source, cost_pico, reserved_pico, overrun, price_source,
    price_id, status, outcome, streamed, latency_ms, correlation_id, created_at, settled_at, service_tier,
    provider_cost_pico, cost_pico + coalesce((
      select sum(delta_pico) from ledger_adjustments as adjustment
      where adjustment.day = prompt_runs.day and adjustment.call_id = prompt_runs.id
    ), 0) as adjusted_pico
  from prompt_runs;
