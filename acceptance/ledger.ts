import { sql } from "kysely";
import { systemClock } from "../gateway/src/lib/clock.ts";
import { openPglite } from "../gateway/src/store/pglite.ts";
import { openPostgres } from "../gateway/src/store/postgres.ts";
import type { Db } from "../gateway/src/store/tables.ts";
import type { Home } from "./server.ts";

/** A row of `ledger_view`. */
export type LedgerRow = {
  readonly user_id: string;
  readonly model: string;
  readonly input_tokens: number | null;
  readonly cached_input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly usage_source: string;
  /** Pico-USD as decimal digits. */
  readonly cost_pico: string;
  readonly reserved_pico: string;
  readonly outcome: string;
  readonly status: number;
  readonly correlation_id: string;
};

export type Books = {
  readonly ledger: readonly LedgerRow[];
  /** Reservations that are open. */
  readonly reservations: readonly { readonly model: string; readonly correlation_id: string }[];
};

export async function readBooks(db: Db): Promise<Books> {
  const ledger = await sql<LedgerRow>`select * from ledger_view order by created_at, id`.execute(db);
  const open = await sql<Books["reservations"][number]>`select * from reservations_view`.execute(db);
  return { ledger: ledger.rows, reservations: open.rows };
}

export async function readBooksAt(databaseUrl: string): Promise<Books> {
  const store = await openPostgres({ url: databaseUrl, poolSize: 1, clock: systemClock });
  return readBooks(store.db).finally(store.close);
}

/** The books of an embedded database whose server has ended. */
export async function readEmbeddedBooks(home: Home): Promise<Books> {
  const store = await openPglite({ folder: home.database, clock: systemClock, durable: false });
  return readBooks(store.db).finally(store.close);
}

export function spentPico(ledger: readonly LedgerRow[]): bigint {
  return ledger.reduce((sum, row) => sum + BigInt(row.cost_pico), 0n);
}
