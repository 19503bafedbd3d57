import type { ColumnType, Generated } from "kysely";
import type { Nullable } from "./tables.columns.ts";

/** The tables that `identity/` writes. */
export type IdentityTables = {
  users: UsersTable;
  auth_state: AuthStateTable;
  sessions: SessionsTable;
  refresh_tokens: RefreshTokensTable;
  linked_accounts: LinkedAccountsTable;
  api_keys: ApiKeysTable;
};

export type UsersTable = {
  id: string;
  email: Nullable<string>;
  email_norm: Nullable<string>;
  name: string;
  role: "admin" | "manager" | "developer" | "viewer";
  password_hash: Nullable<string>;
  active: Generated<boolean>;
  created_at: Date;
  last_login_at: Nullable<Date>;
  /** Null: nobody has proved that the address is the user's. */
  email_verified_at: Nullable<Date>;
  erased_at: Nullable<Date>;
  plan: Nullable<string>;
  /** By the limit's id. */
  limit_overrides: ColumnType<Readonly<Record<string, number>>, string | undefined, string>;
};

export type AuthStateTable = {
  id: Generated<number>;
  auth_epoch: Generated<number>;
  setup_digest: Nullable<Uint8Array>;
  deployment: Generated<string>;
  key_cache_epoch: Generated<number>;
};

export type SessionsTable = {
  id: string;
  user_id: string;
  method: "password" | "google";
  address: string;
  address_bucket: string;
  user_agent: Nullable<string>;
  created_at: Date;
  last_seen_at: Date;
  idle_expires_at: Date;
  absolute_expires_at: Date;
  revoked_at: Nullable<Date>;
  revoke_reason: Nullable<string>;
};

export type RefreshTokensTable = {
  digest: Uint8Array;
  session_id: string;
  issued_at: Date;
  used_at: Nullable<Date>;
  successor_digest: Nullable<Uint8Array>;
};

export type LinkedAccountsTable = {
  issuer: string;
  subject: string;
  user_id: string;
  linked_at: Date;
};

export type ApiKeysTable = {
  id: Generated<number>;
  user_id: string;
  project_id: Nullable<number>;
  prefix: string;
  digest: Uint8Array;
  name: string;
  description: Nullable<string>;
  scopes: string[];
  daily_quota: Nullable<number>;
  daily_usage: Generated<number>;
  usage_day: Nullable<string>;
  created_by: string;
  created_at: Date;
  expires_at: Nullable<Date>;
  last_used_at: Nullable<Date>;
  revoked_at: Nullable<Date>;
  is_active: ColumnType<boolean, never, never>;
  rotated_from: Nullable<number>;
  /** The first key of the chain; null on that key itself. */
  chain_root: Nullable<number>;
  quota_group: ColumnType<number, never, never>;
  allowed_ips: Nullable<string[]>;
  allowed_models: Nullable<string[]>;
  revoke_reason: Nullable<string>;
  plan: Nullable<string>;
  usage_mirrored_from: Nullable<Date>;
};
