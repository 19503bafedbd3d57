alter table daily_costs drop column unpriced_cost_pico;
alter table ledger_adjustments drop column unpriced_delta_pico;
alter table prompt_runs drop column unpriced_pico;

drop table removed_providers;
drop index jobs_by_type, jobs_by_status, jobs_by_project_and_type, jobs_by_project_and_status;
alter table jobs
  add column actual_cost_pico numeric(38, 0) not null default 0,
  add column tokens_used_input bigint not null default 0,
  add column tokens_used_output bigint not null default 0,
  add column tokens_used_total bigint generated always as (tokens_used_input + tokens_used_output) stored;
update jobs set actual_cost_pico = kept.cost_pico, tokens_used_input = kept.input, tokens_used_output = kept.output
from (
  select job_id, coalesce(sum(cost_pico), 0) as cost_pico, coalesce(sum(tokens_used_input), 0) as input,
    coalesce(sum(tokens_used_output), 0) as output
  from job_attempts group by job_id
) as kept
where jobs.id = kept.job_id;
create index job_attempts_to_book on job_attempts (job_id, attempt) where cost_pico is null and ended_at is not null;
