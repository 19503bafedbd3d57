import type { ColumnType, Generated } from "kysely";
import type { Json, Nullable } from "./tables.columns.ts";

/** The tables that `apps/` writes. */
export type AppsTables = {
  thoughts: ThoughtsTable;
  thought_actions: ThoughtActionsTable;
  thought_plans: ThoughtPlansTable;
  thought_plan_items: ThoughtPlanItemsTable;
  assistant_answers: AssistantAnswersTable;
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
