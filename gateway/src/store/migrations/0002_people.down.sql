drop view audit_view;
drop table audit_personal, audit_entries, audit_chain_heads;
drop function refuse_audit_change();
alter table api_keys
  drop quota_group,
  drop rotated_from,
  drop chain_root,
  drop allowed_ips,
  drop allowed_models,
  drop revoke_reason;
drop index api_keys_by_project;
drop table project_members;
alter table projects drop team_id, drop deleted_at;
drop table team_members, teams, linked_accounts, refresh_tokens, sessions;
alter table auth_state drop key_cache_epoch;
alter table users drop email_verified_at, drop erased_at;
