-- Alerts of budgets, webhooks, and the outbox of what is still to be delivered.

-- This budget row has crossed this level (percent spent) when so much was allocated. Raised above it, the row goes.
create table budget_alerts (
  budget_id bigint not null references budgets (id) on delete cascade,
  level smallint not null check (level in (80, 95, 100)),
  allocated_pico numeric(38, 0) not null,
  crossed_at timestamptz not null,
  primary key (budget_id, level)
);

-- The signing secret is derived from SECRET_KEY and the id, and nowhere stored. Ids never come back.
create table webhooks (
  id bigint generated always as identity primary key,
  url text not null,
  events text[] not null,
  created_at timestamptz not null,
  created_by text not null
);

-- One row per event and place it goes to, until it has arrived or is given up. `event` is the JSON text that is sent.
-- Whoever delivers it moves due_at on first, so that nobody else does before that.
create table deliveries (
  id bigint generated always as identity primary key,
  event_id uuid not null,
  destination text not null check (destination in ('alert-webhook', 'webhook', 'mail')),
  webhook_id bigint references webhooks (id) on delete cascade,
  event text not null,
  attempts integer not null default 0,
  created_at timestamptz not null,
  due_at timestamptz not null
);
create index deliveries_by_due on deliveries (due_at);
create index deliveries_by_webhook on deliveries (webhook_id);
