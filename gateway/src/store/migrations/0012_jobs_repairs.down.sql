drop index job_attempts_to_book;
create index job_attempts_to_book on job_attempts (job_id) where cost_pico is null;
drop index jobs_by_project_newest, jobs_blocked;
