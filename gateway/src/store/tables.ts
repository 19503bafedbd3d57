import type { Kysely, Transaction } from "kysely";
import type { AccessTables } from "./tables.access.ts";
import type { AppsTables } from "./tables.apps.ts";
import type { CostsTables } from "./tables.costs.ts";
import type { IdentityTables } from "./tables.identity.ts";
import type { JobsTables } from "./tables.jobs.ts";
import type { LimitsTables } from "./tables.limits.ts";
import type { ProvidersTables } from "./tables.providers.ts";
import type { TelemetryTables } from "./tables.telemetry.ts";

/**
 * Every table as Kysely sees it. Both drivers hand out: int8 as number (a value beyond 2^53 throws), numeric as
 * string, date as `YYYY-MM-DD`, timestamptz as Date, bytea as Uint8Array, jsonb as parsed JSON.
 * A table is written by one folder only; the owner stands in `tableOwners`.
 */
export type Tables = IdentityTables &
  AccessTables &
  LimitsTables &
  CostsTables &
  ProvidersTables &
  TelemetryTables &
  JobsTables &
  AppsTables;

export type Db = Kysely<Tables>;
/** A transaction that is under way. */
export type Tx = Transaction<Tables>;

export const tableOwners: Record<keyof Tables, string> = {
  users: "identity",
  auth_state: "identity",
  sessions: "identity",
  refresh_tokens: "identity",
  linked_accounts: "identity",
  api_keys: "identity",
  teams: "access",
  team_members: "access",
  projects: "access",
  project_members: "access",
  usage_counters: "limits",
  plans: "limits",
  prices: "costs",
  providers: "providers",
  removed_providers: "providers",
  budgets: "costs",
  reservations: "costs",
  prompt_runs: "costs",
  prompt_run_lines: "costs",
  ledger_adjustments: "costs",
  closed_days: "costs",
  closed_budget_spending: "costs",
  daily_costs: "costs",
  budget_alerts: "costs",
  webhooks: "telemetry",
  deliveries: "telemetry",
  events: "telemetry",
  jobs: "jobs",
  job_attempts: "jobs",
  audit_chain_heads: "telemetry",
  audit_entries: "telemetry",
  audit_personal: "telemetry",
  thoughts: "apps",
  thought_actions: "apps",
  thought_plans: "apps",
  thought_plan_items: "apps",
  assistant_answers: "apps",
};
