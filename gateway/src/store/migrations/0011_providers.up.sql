-- Providers that administrators set, beside those of settings and configuration file.

-- sealed_credential: lib/sealed.ts, for this name and the origin of this base URL. Null: it needs none.
create table providers (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  dialect text not null check (dialect in ('openai', 'anthropic')),
  base_url text not null,
  sealed_credential bytea,
  models text[] not null,
  reports_stream_usage boolean not null,
  updated_at timestamptz not null,
  updated_by text not null
);
