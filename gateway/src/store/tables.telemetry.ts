import type { ColumnType, Generated } from "kysely";
import type { Nullable } from "./tables.columns.ts";

/** The tables that `telemetry/` writes. */
export type TelemetryTables = {
  webhooks: WebhooksTable;
  deliveries: DeliveriesTable;
  events: EventsTable;
  audit_chain_heads: AuditChainHeadsTable;
  audit_entries: AuditEntriesTable;
  audit_personal: AuditPersonalTable;
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
