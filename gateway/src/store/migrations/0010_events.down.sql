drop trigger jobs_tell_made on jobs;
drop trigger jobs_tell_changed on jobs;
drop function tell_of_job();
drop table events;
drop function notify_of_events(), event_uuid();
