-- What is read of jobs again and again is found without reading all of them.

create index jobs_blocked on jobs (project_id, user_id, coalesce(key_id, 0), greatest(1, needed_pico), id)
  where status = 'blocked';
create index jobs_by_project_newest on jobs (project_id, id desc);

drop index job_attempts_to_book;
create index job_attempts_to_book on job_attempts (job_id, attempt) where cost_pico is null and ended_at is not null;
