import type { ColumnType, Generated, Kysely, Transaction } from "kysely";

/**
 * Every table as Kysely sees it. Both drivers hand out: int8 as number (a value beyond 2^53 throws), numeric as
 * string, date as `YYYY-MM-DD`, timestamptz as Date, bytea as Uint8Array, jsonb as parsed JSON.
 * A table is written by one folder only; the owner stands in `tableOwners`.
 */
export type Tables = {
  users: UsersTable;
  auth_state: AuthStateTable;
  sessions: SessionsTable;
  refresh_tokens: RefreshTokensTable;
  linked_accounts: LinkedAccountsTable;
  api_keys: ApiKeysTable;
  teams: TeamsTable;
  team_members: TeamMembersTable;
  projects: ProjectsTable;
  project_members: ProjectMembersTable;
  usage_counters: UsageCountersTable;
  plans: PlansTable;
  prices: PricesTable;
  providers: ProvidersTable;
  removed_providers: RemovedProvidersTable;
  budgets: BudgetsTable;
  reservations: ReservationsTable;
  prompt_runs: PromptRunsTable;
  prompt_run_lines: PromptRunLinesTable;
  ledger_adjustments: LedgerAdjustmentsTable;
  closed_days: ClosedDaysTable;
  closed_budget_spending: ClosedBudgetSpendingTable;
  daily_costs: DailyCostsTable;
  budget_alerts: BudgetAlertsTable;
  webhooks: WebhooksTable;
  deliveries: DeliveriesTable;
  events: EventsTable;
  jobs: JobsTable;
  job_attempts: JobAttemptsTable;
  audit_chain_heads: AuditChainHeadsTable;
  audit_entries: AuditEntriesTable;
  audit_personal: AuditPersonalTable;
  thoughts: ThoughtsTable;
  thought_actions: ThoughtActionsTable;
  thought_plans: ThoughtPlansTable;
  thought_plan_items: ThoughtPlanItemsTable;
  assistant_answers: AssistantAnswersTable;
};

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

/** Pico-USD as decimal digits; `BigInt(text)` is the amount. */
export type PicoText = string;
/** JSON is written as text (`JSON.stringify`) and read parsed. */
export type Json<T> = ColumnType<T, string, string>;
type Nullable<T> = ColumnType<T | null, T | null | undefined, T | null>;

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

export type TeamsTable = {
  id: Generated<number>;
  name: string;
  owner_id: string;
  created_at: Date;
  deleted_at: Nullable<Date>;
};

export type MemberRole = "manager" | "developer" | "viewer";

export type TeamMembersTable = { team_id: number; user_id: string; role: MemberRole; added_at: Date };
export type ProjectMembersTable = { project_id: number; user_id: string; role: MemberRole; added_at: Date };

export type ProjectsTable = {
  id: Generated<number>;
  name: string;
  description: Nullable<string>;
  owner_id: string;
  created_at: Date;
  archived_at: Nullable<Date>;
  team_id: Nullable<number>;
  deleted_at: Nullable<Date>;
};

export type UsageCountersTable = {
  subject_kind: string;
  subject_id: string;
  day: string;
  used: number;
  mirrored_from: Nullable<Date>;
};

export type PlansTable = {
  name: string;
  limits: Json<Readonly<Record<string, number>>>;
  updated_at: Date;
  updated_by: string;
};

export type PricesTable = {
  id: Generated<number>;
  provider: string;
  model: string;
  input_pico: PicoText;
  cached_input_pico: Nullable<PicoText>;
  cache_write_5m_pico: Nullable<PicoText>;
  cache_write_1h_pico: Nullable<PicoText>;
  output_pico: PicoText;
  /** Of `costs/prices.stored.ts`: rates for calls of more than `aboveInput` input tokens, and those of further kinds. */
  tiers: Json<unknown>;
  more_rates: Json<unknown>;
  effective_from: Date;
  created_at: Date;
  created_by: string;
};

export type ProvidersTable = {
  name: string;
  dialect: "openai" | "anthropic";
  base_url: string;
  /** Of `lib/sealed.ts`. */
  sealed_credential: Nullable<Uint8Array>;
  models: string[];
  reports_stream_usage: boolean;
  updated_at: Date;
  updated_by: string;
};

export type RemovedProvidersTable = { name: string };

export type BudgetsTable = {
  id: Generated<number>;
  scope: "project" | "user" | "team" | "key";
  scope_id: string;
  period: Generated<"none" | "day" | "week" | "month">;
  period_start: Nullable<Date>;
  allocated_pico: PicoText;
  spent_pico: Generated<PicoText>;
  reserved_pico: Generated<PicoText>;
  created_at: Date;
};

export type ReservationsTable = {
  id: string;
  owner: string;
  budget_ids: number[];
  amount_pico: PicoText;
  call: Json<unknown>;
  created_at: Date;
  expires_at: Date;
};

export type PromptRunsTable = {
  day: string;
  id: string;
  user_id: string;
  key_id: Nullable<number>;
  project_id: Nullable<number>;
  operation: string;
  endpoint_class: string;
  provider: string;
  model: string;
  input_tokens: Nullable<number>;
  cached_input_tokens: Nullable<number>;
  output_tokens: Nullable<number>;
  usage: Nullable<Json<unknown>>;
  usage_source: "reported" | "partial" | "estimated" | "reserved";
  cost_pico: PicoText;
  reserved_pico: PicoText;
  overrun: Generated<boolean>;
  budget_ids: number[];
  price_source: string;
  price_id: string;
  rates: Json<unknown>;
  status: number;
  outcome: string;
  streamed: boolean;
  latency_ms: Nullable<number>;
  correlation_id: string;
  created_at: Date;
  settled_at: Date;
  service_tier: Nullable<string>;
  /** What the provider said that the call cost. */
  provider_cost_pico: Nullable<PicoText>;
  /** The part of the cost at the default rates; null: nothing. */
  unpriced_pico: Nullable<PicoText>;
};

export type PromptRunLinesTable = {
  day: string;
  id: string;
  /** From 1 on. */
  line: number;
  kind: string;
  provider: string;
  model: string;
  service_tier: Nullable<string>;
  usage: Nullable<Json<unknown>>;
  cost_pico: PicoText;
  price_source: string;
  price_id: string;
  rates: Json<unknown>;
};

export type LedgerAdjustmentsTable = {
  id: Generated<number>;
  day: string;
  call_id: string;
  /** 0: the row of a call without lines. */
  line: number;
  /** May be negative. */
  delta_pico: PicoText;
  unpriced_delta_pico: Generated<PicoText>;
  price_source: string;
  price_id: string;
  rates: Json<unknown>;
  reason: string;
  posted_at: Date;
  posted_by: string;
};

export type ClosedDaysTable = { day: string; calls: number; cost_pico: PicoText; closed_at: Date };

export type ClosedBudgetSpendingTable = { day: string; budget_id: number; spent_pico: PicoText };

export type DailyCostsTable = {
  day: string;
  user_id: string;
  key_id: Nullable<number>;
  project_id: Nullable<number>;
  operation: string;
  provider: string;
  model: string;
  calls: number;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  cost_pico: PicoText;
  estimated_cost_pico: PicoText;
  unpriced_cost_pico: Generated<PicoText>;
};

export type BudgetAlertsTable = {
  budget_id: number;
  /** Percent of what is allocated. */
  level: number;
  allocated_pico: PicoText;
  crossed_at: Date;
};

export type WebhooksTable = {
  id: Generated<number>;
  url: string;
  events: string[];
  created_at: Date;
  created_by: string;
};

export type DeliveriesTable = {
  id: Generated<number>;
  event_id: string;
  destination: "alert-webhook" | "webhook" | "mail";
  webhook_id: Nullable<number>;
  /** JSON text, exactly as it is sent and signed. */
  event: string;
  attempts: Generated<number>;
  created_at: Date;
  due_at: Date;
};

export type EventsTable = {
  /** Of the transaction that wrote it; text, for it may be beyond 2^53. */
  tx: ColumnType<string, never, never>;
  seq: ColumnType<number, never, never>;
  id: string;
  /** JSON text, exactly as webhooks get it. */
  event: string;
  at: Date;
  project_id: Nullable<number>;
  team_id: Nullable<number>;
  user_id: Nullable<string>;
};

export type JobsTable = {
  id: Generated<number>;
  project_id: number;
  user_id: string;
  key_id: Nullable<number>;
  type: string;
  payload: Json<Readonly<Record<string, unknown>>>;
  result: Nullable<Json<unknown>>;
  status: "pending" | "running" | "completed" | "retrying" | "dead_letter" | "blocked" | "cancelled";
  priority: Generated<number>;
  idempotency_key: Nullable<string>;
  body_hash: Uint8Array;
  correlation_id: string;
  retry_count: Generated<number>;
  max_retries: number;
  failure_reason: Nullable<string>;
  last_error: Nullable<string>;
  run_at: Generated<Date>;
  next_retry_at: Nullable<Date>;
  attempt: Generated<number>;
  lock_token: Nullable<string>;
  locked_by: Nullable<string>;
  lease_until: Nullable<Date>;
  cancel_requested_at: Nullable<Date>;
  estimated_cost_pico: PicoText;
  needed_pico: PicoText;
  created_at: Generated<Date>;
  started_at: Nullable<Date>;
  completed_at: Nullable<Date>;
};

export type JobAttemptsTable = {
  job_id: number;
  attempt: number;
  call_id: string;
  worker: string;
  started_at: Date;
  ended_at: Nullable<Date>;
  outcome: Nullable<"completed" | "failed" | "deferred" | "blocked" | "cancelled" | "lost" | "given_back">;
  error_code: Nullable<string>;
  error: Nullable<string>;
  /** What the ledger said of its call when it closed that day; null until then, or if it said nothing. */
  tokens_used_input: Nullable<number>;
  tokens_used_output: Nullable<number>;
  cost_pico: Nullable<PicoText>;
};

export type AuditChainHeadsTable = { chain: string; seq: number; hash: Uint8Array };

export type AuditEntriesTable = {
  chain: string;
  seq: number;
  /** JSON text, exactly as it was hashed. */
  entry: string;
  hash: Uint8Array;
  mac: Uint8Array;
};

export type AuditPersonalTable = {
  chain: string;
  seq: number;
  /** Whose data it is. */
  user_id: string;
  salt: Uint8Array;
  data: string;
};

export type ThoughtsTable = {
  id: Generated<number>;
  user_id: string;
  text: string;
  source: Nullable<string>;
  title: Nullable<string>;
  tags: Generated<string[]>;
  people: Generated<string[]>;
  /** Each `YYYY-MM-DD`. */
  dates: Generated<string[]>;
  enriched: Generated<boolean>;
  words: ColumnType<unknown, string, string>;
  created_at: Date;
  updated_at: Date;
};

export type ThoughtActionsTable = {
  id: Generated<number>;
  thought_id: number;
  text: string;
  due: Nullable<string>;
  done_at: Nullable<Date>;
};

export type ThoughtPlansTable = {
  user_id: string;
  version: number;
  ordered_by: "model" | "due";
  created_at: Date;
};

export type ThoughtPlanItemsTable = {
  user_id: string;
  version: number;
  place: number;
  action_id: number;
  why: string;
};

export type AssistantAnswersTable = {
  digest: Uint8Array;
  user_id: string;
  answer: Json<unknown>;
  expires_at: Date;
};
