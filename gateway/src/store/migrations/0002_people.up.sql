-- Sessions, linked accounts, key rotation, teams, members, audit.

alter table users
  add email_verified_at timestamptz,
  add erased_at timestamptz;

-- The highest KEY_CACHE_EPOCH that an instance was started with.
alter table auth_state add key_cache_epoch bigint not null default 0;

create table sessions (
  id uuid primary key,
  user_id text not null references users (id) on delete cascade,
  method text not null check (method in ('password', 'google')),
  address text not null,
  address_bucket text not null,
  user_agent text,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  idle_expires_at timestamptz not null,
  absolute_expires_at timestamptz not null,
  revoked_at timestamptz,
  revoke_reason text
);
create index sessions_by_user on sessions (user_id, created_at);
create index sessions_by_end on sessions (absolute_expires_at);

-- One row per refresh token of a session's family. The token itself is nowhere: its successor is derived from it.
create table refresh_tokens (
  digest bytea primary key,
  session_id uuid not null references sessions (id) on delete cascade,
  issued_at timestamptz not null,
  used_at timestamptz,
  successor_digest bytea
);
create index refresh_tokens_by_session on refresh_tokens (session_id);

-- Accounts of other issuers that sign a user in.
create table linked_accounts (
  issuer text not null,
  subject text not null,
  user_id text not null references users (id) on delete cascade,
  linked_at timestamptz not null,
  primary key (issuer, subject)
);
create index linked_accounts_by_user on linked_accounts (user_id);

create table teams (
  id bigint generated always as identity primary key,
  name text not null,
  owner_id text not null references users (id),
  created_at timestamptz not null,
  deleted_at timestamptz
);
create index teams_by_owner on teams (owner_id);

create table team_members (
  team_id bigint not null references teams (id) on delete cascade,
  user_id text not null references users (id) on delete cascade,
  role text not null check (role in ('manager', 'developer', 'viewer')),
  added_at timestamptz not null,
  primary key (team_id, user_id)
);
create index team_members_by_user on team_members (user_id);

alter table projects
  add team_id bigint references teams (id),
  add deleted_at timestamptz;
create index projects_by_team on projects (team_id);

create table project_members (
  project_id bigint not null references projects (id) on delete cascade,
  user_id text not null references users (id) on delete cascade,
  role text not null check (role in ('manager', 'developer', 'viewer')),
  added_at timestamptz not null,
  primary key (project_id, user_id)
);
create index project_members_by_user on project_members (user_id);

-- A rotated key and its successors are one chain with one quota: that of its first row, the quota group.
-- allowed_ips and allowed_models: null allows all.
alter table api_keys
  add rotated_from bigint references api_keys (id),
  add chain_root bigint references api_keys (id),
  add quota_group bigint generated always as (coalesce(chain_root, id)) stored,
  add allowed_ips text[],
  add allowed_models text[],
  add revoke_reason text;
create index api_keys_by_project on api_keys (project_id);
create index api_keys_by_rotation on api_keys (rotated_from);

-- The audit log: entries are chained by hash, and the head row lets one transaction at a time append.
create table audit_chain_heads (
  chain text primary key,
  seq bigint not null,
  hash bytea not null
);
insert into audit_chain_heads values ('main', 0, decode(repeat('00', 32), 'hex'));

-- `entry` is the text that was hashed, JSON; nothing else says what happened.
create table audit_entries (
  chain text not null references audit_chain_heads (chain),
  seq bigint not null,
  entry text not null,
  hash bytea not null,
  mac bytea not null,
  primary key (chain, seq)
);
create index audit_entries_by_time on audit_entries (((entry::jsonb ->> 'at') collate "C"), seq);
create index audit_entries_by_action on audit_entries ((entry::jsonb ->> 'action'), seq);
create index audit_entries_by_actor on audit_entries ((entry::jsonb -> 'actor' ->> 'id'), seq);
create index audit_entries_by_target on audit_entries ((entry::jsonb -> 'target' ->> 'id'), seq);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'audit entries are never changed';
end $$;
create trigger audit_entries_stay before update or delete on audit_entries
  for each row execute function refuse_audit_change();
create trigger audit_entries_stay_all before truncate on audit_entries
  for each statement execute function refuse_audit_change();

-- Personal data of an entry, apart from it and erasable; the entry holds a commitment to it.
create table audit_personal (
  chain text not null,
  seq bigint not null,
  user_id text not null,
  salt bytea not null,
  data text not null,
  primary key (chain, seq),
  foreign key (chain, seq) references audit_entries (chain, seq)
);
create index audit_personal_by_user on audit_personal (user_id);

create view audit_view as
  select chain, seq, entry::jsonb ->> 'id' as id, entry::jsonb ->> 'at' as at, entry::jsonb ->> 'action' as action,
    entry::jsonb ->> 'outcome' as outcome, entry::jsonb -> 'actor' ->> 'type' as actor_type,
    entry::jsonb -> 'actor' ->> 'id' as actor_id, entry::jsonb -> 'target' ->> 'type' as target_type,
    entry::jsonb -> 'target' ->> 'id' as target_id, entry::jsonb -> 'changes' as changes,
    entry::jsonb -> 'request' ->> 'correlationId' as correlation_id
  from audit_entries;
