alter table providers drop column speaks_responses;
