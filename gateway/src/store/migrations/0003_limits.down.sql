alter table api_keys drop usage_mirrored_from, drop plan;
alter table usage_counters drop mirrored_from;
alter table users drop limit_overrides, drop plan;
drop table plans;
