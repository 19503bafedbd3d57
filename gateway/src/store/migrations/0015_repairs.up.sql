-- A job's cost is read from the ledger, and kept on its attempts when the ledger closes their day. Lists of jobs by
-- status and by type find theirs without reading all of a project's.

drop index job_attempts_to_book;
alter table jobs
  drop column actual_cost_pico,
  drop column tokens_used_total,
  drop column tokens_used_input,
  drop column tokens_used_output;

create index jobs_by_project_and_status on jobs (project_id, status, id desc);
create index jobs_by_project_and_type on jobs (project_id, type, id desc);
create index jobs_by_status on jobs (status, id desc);
create index jobs_by_type on jobs (type, id desc);

-- Names of providers that administrators have removed: models under them are nobody else's.
create table removed_providers (name text primary key);
insert into removed_providers
  select distinct entry::jsonb -> 'target' ->> 'id' from audit_entries
  where entry::jsonb ->> 'action' = 'provider.remove'
    and entry::jsonb -> 'target' ->> 'id' not in (select name from providers);

-- What was charged at the default rates, because the model had no price (C11), and what pricing again takes from it.
-- Null: nothing.
alter table prompt_runs add column unpriced_pico numeric(38, 0);
alter table ledger_adjustments add column unpriced_delta_pico numeric(38, 0) not null default 0;
alter table daily_costs add column unpriced_cost_pico numeric(38, 0) not null default 0;
update prompt_runs set unpriced_pico = cost_pico where price_source = 'default' and cost_pico <> 0;
update daily_costs set unpriced_cost_pico = charged.pico
from (
  select day, user_id, key_id, project_id, operation, provider, model, sum(unpriced_pico) as pico
  from prompt_runs where unpriced_pico is not null
  group by day, user_id, key_id, project_id, operation, provider, model
) as charged
where daily_costs.day = charged.day and daily_costs.user_id = charged.user_id
  and daily_costs.key_id is not distinct from charged.key_id
  and daily_costs.project_id is not distinct from charged.project_id
  and daily_costs.operation = charged.operation and daily_costs.provider = charged.provider
  and daily_costs.model = charged.model;
