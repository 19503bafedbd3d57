-- Whether a stored provider is asked for responses as they are (decision 32). Null: as is usual for its name.
alter table providers add column speaks_responses boolean;
