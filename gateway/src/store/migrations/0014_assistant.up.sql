-- What the assistant answered, so that the same question of the same user needs no second call.

-- digest: SHA-256 of who asked whom what; the question itself stands nowhere. answer is json, not jsonb: it keeps every
-- text that JSON can say.
create table assistant_answers (
  digest bytea primary key,
  user_id text not null references users (id) on delete cascade,
  answer json not null,
  expires_at timestamptz not null
);
create index assistant_answers_by_user on assistant_answers (user_id);
create index assistant_answers_by_end on assistant_answers (expires_at);
