-- Jobs, and one row per attempt to do one.

-- `payload` and `result` are json, not jsonb: they come back as they were sent, and every text that JSON can say is kept.
-- needed_pico: what each budget of the job must have left before it begins.
create table jobs (
  id bigint generated always as identity primary key,
  project_id bigint not null references projects (id),
  user_id text not null references users (id),
  key_id bigint references api_keys (id),
  type text not null,
  payload json not null,
  result json,
  status text not null check (
    status in ('pending', 'running', 'completed', 'retrying', 'dead_letter', 'blocked', 'cancelled')
  ),
  priority smallint not null default 0,
  idempotency_key text,
  body_hash bytea not null,
  correlation_id text not null,
  retry_count integer not null default 0,
  max_retries integer not null check (max_retries >= 0),
  failure_reason text,
  last_error text,
  run_at timestamptz not null default now(),
  next_retry_at timestamptz,
  attempt integer not null default 0,
  lock_token uuid,
  locked_by text,
  lease_until timestamptz,
  cancel_requested_at timestamptz,
  estimated_cost_pico numeric(38, 0) not null,
  needed_pico numeric(38, 0) not null,
  actual_cost_pico numeric(38, 0) not null default 0,
  tokens_used_input bigint not null default 0,
  tokens_used_output bigint not null default 0,
  tokens_used_total bigint generated always as (tokens_used_input + tokens_used_output) stored,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  -- Who has it, and for how long, is known exactly while it runs.
  check ((status = 'running') = (lock_token is not null and locked_by is not null and lease_until is not null))
);
create index jobs_to_claim on jobs (priority desc, run_at, id) where status = 'pending';
create index jobs_to_retry on jobs (next_retry_at) where status = 'retrying';
create index jobs_by_lease on jobs (lease_until) where status = 'running';
create index jobs_unfinished on jobs (status, run_at) where status not in ('completed', 'cancelled');
create unique index jobs_by_idempotency_key on jobs (project_id, idempotency_key) where idempotency_key is not null;
create index jobs_by_project on jobs (project_id, created_at desc);
create index jobs_by_time on jobs (created_at);

-- call_id: that of the AI call of this attempt, made before the attempt begins; its cost is copied from the ledger.
create table job_attempts (
  job_id bigint not null references jobs (id) on delete cascade,
  attempt integer not null,
  call_id uuid not null unique,
  worker text not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  outcome text check (
    outcome in ('completed', 'failed', 'deferred', 'blocked', 'cancelled', 'lost', 'given_back')
  ),
  error_code text,
  error text,
  tokens_used_input bigint,
  tokens_used_output bigint,
  cost_pico numeric(38, 0),
  primary key (job_id, attempt),
  check ((ended_at is null) = (outcome is null))
);
create index job_attempts_to_book on job_attempts (job_id) where cost_pico is null;
