-- Plans, and what an administrator changes of single users' limits.

-- A plan here goes before the configuration file's of the same name. `limits` is what PUT /admin/plans/{name} took.
create table plans (
  name text primary key,
  limits jsonb not null,
  updated_at timestamptz not null,
  updated_by text not null
);

-- plan: null is the default plan, for keys none. Of a chain of rotated keys, that of the first counts.
-- No foreign key: the configuration file has plans too.
alter table users
  add plan text,
  add limit_overrides jsonb not null default '{}';
create index users_by_plan on users (plan) where plan is not null;
alter table api_keys add plan text;
create index api_keys_by_plan on api_keys (plan) where plan is not null;

-- A daily count was reset; what instances still have to write of the count before is not taken until then.
alter table usage_counters add mirrored_from timestamptz;
alter table api_keys add usage_mirrored_from timestamptz;
