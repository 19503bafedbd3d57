import type { Nullable } from "./tables.columns.ts";

/** The tables that `providers/` writes. */
export type ProvidersTables = {
  providers: ProvidersTable;
  removed_providers: RemovedProvidersTable;
};

export type ProvidersTable = {
  name: string;
  dialect: "openai" | "anthropic";
  base_url: string;
  /** Of `lib/sealed.ts`. */
  sealed_credential: Nullable<Uint8Array>;
  models: string[];
  reports_stream_usage: boolean;
  /** Null: as is usual for its name. */
  speaks_responses: Nullable<boolean>;
  updated_at: Date;
  updated_by: string;
};

export type RemovedProvidersTable = { name: string };
