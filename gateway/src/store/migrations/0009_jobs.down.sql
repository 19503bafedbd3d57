drop table job_attempts, jobs;
