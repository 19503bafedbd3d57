-- What people wrote down, what a model drew from it, and plans made of their open actions.

-- words: of text, title and tags, as `apps/thoughts.words.ts` tells them apart, whatever the language.
create table thoughts (
  id bigint generated always as identity primary key,
  user_id text not null references users (id) on delete cascade,
  text text not null,
  source text,
  title text,
  tags text[] not null default '{}',
  people text[] not null default '{}',
  dates text[] not null default '{}',
  enriched boolean not null default false,
  words tsvector not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index thoughts_by_user on thoughts (user_id, id desc);
create index thoughts_by_word on thoughts using gin (words);

create table thought_actions (
  id bigint generated always as identity primary key,
  thought_id bigint not null references thoughts (id) on delete cascade,
  text text not null,
  due date,
  done_at timestamptz
);
create index thought_actions_by_thought on thought_actions (thought_id);

-- ordered_by: who decided on the order.
create table thought_plans (
  user_id text not null references users (id) on delete cascade,
  version integer not null check (version > 0),
  ordered_by text not null check (ordered_by in ('model', 'due')),
  created_at timestamptz not null,
  primary key (user_id, version)
);

-- What is planned is an action that exists: its text is read from there, and it leaves the plan when it is deleted.
create table thought_plan_items (
  user_id text not null,
  version integer not null,
  place integer not null,
  action_id bigint not null references thought_actions (id) on delete cascade,
  why text not null,
  primary key (user_id, version, place),
  unique (user_id, version, action_id),
  foreign key (user_id, version) references thought_plans (user_id, version) on delete cascade
);
create index thought_plan_items_by_action on thought_plan_items (action_id);
