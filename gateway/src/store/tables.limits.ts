import type { Json, Nullable } from "./tables.columns.ts";

/** The tables that `limits/` writes. */
export type LimitsTables = {
  usage_counters: UsageCountersTable;
  plans: PlansTable;
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
