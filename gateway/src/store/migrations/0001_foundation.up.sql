-- People, keys, projects, prices, budgets, reservations, ledger.
-- Money columns are pico-USD (10^-12 USD) in numeric(38,0) and say so in their name.

create table users (
  id text primary key check (id ~ '^usr_[A-Za-z0-9._-]{1,60}$'),
  email text,
  email_norm text unique,
  name text not null,
  role text not null check (role in ('admin', 'manager', 'developer', 'viewer')),
  password_hash text,
  active boolean not null default true,
  created_at timestamptz not null,
  last_login_at timestamptz
);

-- One row. auth_epoch grows with every change that cached identities must notice; deployment keeps the counters of
-- databases apart that share a Redis.
create table auth_state (
  id smallint primary key default 1 check (id = 1),
  auth_epoch bigint not null default 1,
  setup_digest bytea,
  deployment uuid not null default gen_random_uuid()
);
insert into auth_state default values;

create table projects (
  id bigint generated always as identity primary key,
  name text not null,
  description text,
  owner_id text not null references users (id),
  created_at timestamptz not null,
  archived_at timestamptz
);
create index projects_by_owner on projects (owner_id);

create table api_keys (
  id bigint generated always as identity primary key,
  user_id text not null references users (id) on delete cascade,
  project_id bigint references projects (id),
  prefix char(12) not null unique,
  digest bytea not null unique,
  name text not null,
  description text,
  scopes text[] not null default '{}',
  daily_quota integer check (daily_quota >= 0),
  daily_usage integer not null default 0,
  usage_day date,
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  is_active boolean generated always as (revoked_at is null) stored
);
create index api_keys_live on api_keys (revoked_at, prefix);
create index api_keys_by_user on api_keys (user_id);

-- How much of a daily quota a subject that is not a key has used. Counters are seeded from here.
create table usage_counters (
  subject_kind text not null,
  subject_id text not null,
  day date not null,
  used bigint not null,
  primary key (subject_kind, subject_id, day)
);

-- The operator's price book. Append-only: the newest row in force wins.
create table prices (
  id bigint generated always as identity primary key,
  provider text not null,
  model text not null,
  input_pico numeric(38, 0) not null check (input_pico >= 0),
  cached_input_pico numeric(38, 0) check (cached_input_pico >= 0),
  output_pico numeric(38, 0) not null check (output_pico >= 0),
  effective_from timestamptz not null,
  created_at timestamptz not null,
  created_by text not null
);
create index prices_in_force on prices (provider, model, effective_from desc);

create table budgets (
  id bigint generated always as identity primary key,
  scope text not null check (scope in ('project', 'user', 'team', 'key')),
  scope_id text not null,
  period text not null default 'none' check (period in ('none', 'day', 'week', 'month')),
  period_start timestamptz,
  allocated_pico numeric(38, 0) not null check (allocated_pico >= 0),
  spent_pico numeric(38, 0) not null default 0,
  reserved_pico numeric(38, 0) not null default 0 check (reserved_pico >= 0),
  created_at timestamptz not null,
  unique nulls not distinct (scope, scope_id, period, period_start)
);

-- One row per call that has been admitted to spend and not yet settled. `call` holds what its ledger row will say,
-- by column name.
create table reservations (
  id uuid primary key,
  owner text not null,
  budget_ids bigint[] not null,
  amount_pico numeric(38, 0) not null check (amount_pico >= 0),
  call jsonb not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index reservations_by_expiry on reservations (expires_at);

-- The ledger: one row per AI call. `day` is the UTC day inside the call's UUIDv7, so a replay meets its first row.
create table prompt_runs (
  day date not null,
  id uuid not null,
  user_id text not null,
  key_id bigint,
  project_id bigint,
  operation text not null,
  endpoint_class text not null,
  provider text not null,
  model text not null,
  input_tokens bigint,
  cached_input_tokens bigint,
  output_tokens bigint,
  usage jsonb,
  usage_source text not null check (usage_source in ('reported', 'partial', 'estimated', 'reserved')),
  cost_pico numeric(38, 0) not null,
  reserved_pico numeric(38, 0) not null,
  overrun boolean not null default false,
  budget_ids bigint[] not null,
  price_source text not null,
  price_id text not null,
  rates jsonb not null,
  status integer not null,
  outcome text not null,
  streamed boolean not null,
  latency_ms integer,
  correlation_id text not null,
  created_at timestamptz not null,
  settled_at timestamptz not null,
  primary key (day, id)
) partition by range (day);
create table prompt_runs_default partition of prompt_runs default;
create index prompt_runs_by_user on prompt_runs (user_id, day);
create index prompt_runs_by_project on prompt_runs (project_id, day);

-- What reports read. Written in the same transaction as the ledger row.
create table daily_costs (
  day date not null,
  user_id text not null,
  key_id bigint,
  project_id bigint,
  operation text not null,
  provider text not null,
  model text not null,
  calls bigint not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  output_tokens bigint not null,
  cost_pico numeric(38, 0) not null,
  estimated_cost_pico numeric(38, 0) not null,
  unique nulls not distinct (day, user_id, key_id, project_id, operation, provider, model)
);
create index daily_costs_by_project on daily_costs (project_id, day);

create view ledger_view as
  select id, day, user_id, key_id, project_id, operation, endpoint_class, provider, model, input_tokens,
    cached_input_tokens, output_tokens, usage_source, cost_pico, reserved_pico, overrun, price_source,
    price_id, status, outcome, streamed, latency_ms, correlation_id, created_at, settled_at
  from prompt_runs;

create view reservations_view as
  select id, owner, budget_ids, amount_pico, created_at, expires_at,
    call ->> 'user_id' as user_id, call ->> 'model' as model, call ->> 'correlation_id' as correlation_id
  from reservations;
