import type { Generated } from "kysely";
import type { Json, Nullable, PicoText } from "./tables.columns.ts";

/** The tables that `costs/` writes. */
export type CostsTables = {
  prices: PricesTable;
  budgets: BudgetsTable;
  reservations: ReservationsTable;
  prompt_runs: PromptRunsTable;
  prompt_run_lines: PromptRunLinesTable;
  ledger_adjustments: LedgerAdjustmentsTable;
  closed_days: ClosedDaysTable;
  closed_budget_spending: ClosedBudgetSpendingTable;
  daily_costs: DailyCostsTable;
  budget_alerts: BudgetAlertsTable;
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
