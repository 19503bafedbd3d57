-- What people see happen, for as long as EVENTS_RETENTION_HOURS says.

-- (tx, seq) is the order in which events are told. Who reads only rows of transactions before the oldest that still
-- runs never finds a row later that belongs before one it has read.
-- project_id, team_id, user_id: whom it concerns; administrators see all of it.
create table events (
  tx xid8 not null default pg_current_xact_id(),
  seq bigint generated always as identity,
  id uuid not null unique,
  event text not null,
  at timestamptz not null,
  project_id bigint,
  team_id bigint,
  user_id text,
  primary key (tx, seq)
);

create function notify_of_events() returns trigger language plpgsql as $$
begin
  perform pg_notify('events', '');
  return null;
end $$;
create trigger events_notify after insert on events for each statement execute function notify_of_events();

-- UUIDv7 (RFC 9562): milliseconds, and chance.
create function event_uuid() returns uuid language sql volatile as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
    from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- Every change of a job's status is an event, whoever makes it.
create function tell_of_job() returns trigger language plpgsql as $$
declare
  event_id constant uuid := event_uuid();
begin
  insert into events (id, event, at, project_id)
  values (event_id, json_build_object(
    'id', event_id,
    'type', 'job.updated',
    'at', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'data', json_build_object('job_id', new.id, 'project_id', new.project_id, 'type', new.type, 'status', new.status,
      'retry_count', new.retry_count, 'failure_reason', new.failure_reason)
  )::text, now(), new.project_id);
  return null;
end $$;
create trigger jobs_tell_made after insert on jobs for each row execute function tell_of_job();
create trigger jobs_tell_changed after update of status on jobs for each row
  when (old.status is distinct from new.status) execute function tell_of_job();
