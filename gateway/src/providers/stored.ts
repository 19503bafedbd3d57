import { sql } from "kysely";
import type { Db, Tx } from "../store/tables.ts";
import type { Dialect } from "./upstream.ts";

/** A provider as an administrator has set it. */
export type StoredProvider = {
  readonly name: string;
  readonly dialect: Dialect;
  readonly baseUrl: string;
  /** By `lib/sealed.ts` in the context of `credentialContext`; undefined: it needs none. */
  readonly sealedCredential: Uint8Array | undefined;
  readonly models: readonly string[];
  readonly reportsStreamUsage: boolean;
  /** Undefined: as is usual for its name. */
  readonly speaksResponses: boolean | undefined;
  readonly updatedAt: Date;
  readonly updatedBy: string;
};

/** The channel on which a change is announced. */
export const PROVIDERS_CHANNEL = "providers";

/** What a credential is for: moved to another row, or beside another server's address, it does not open. */
export function credentialContext({ name, baseUrl }: Pick<StoredProvider, "name" | "baseUrl">): string {
  return `${name} ${new URL(baseUrl).origin}`;
}

/** In the order of their names. */
export async function loadProviders(db: Db): Promise<readonly StoredProvider[]> {
  const rows = await db.selectFrom("providers").selectAll().orderBy("name").execute();
  return rows.map((row) => ({
    name: row.name,
    dialect: row.dialect,
    baseUrl: row.base_url,
    sealedCredential: row.sealed_credential ?? undefined,
    models: row.models,
    reportsStreamUsage: row.reports_stream_usage,
    speaksResponses: row.speaks_responses ?? undefined,
    updatedAt: row.updated_at,
    updatedBy: row.updated_by,
  }));
}

/** Until the transaction ends, nobody else changes them; they can be read as ever. Its end is announced. */
export async function holdProviders(tx: Tx): Promise<readonly StoredProvider[]> {
  await sql`lock table providers in share row exclusive mode`.execute(tx);
  await sql`select pg_notify(${PROVIDERS_CHANNEL}, '')`.execute(tx);
  return loadProviders(tx);
}

/** Names of those that were, and are not set again. */
export async function loadRemoved(db: Db): Promise<readonly string[]> {
  const rows = await db.selectFrom("removed_providers").select("name").execute();
  return rows.map(({ name }) => name);
}

export async function writeProvider(tx: Tx, { name, ...provider }: StoredProvider): Promise<void> {
  const values = {
    dialect: provider.dialect,
    base_url: provider.baseUrl,
    sealed_credential: provider.sealedCredential ?? null,
    models: [...provider.models],
    reports_stream_usage: provider.reportsStreamUsage,
    speaks_responses: provider.speaksResponses ?? null,
    updated_at: provider.updatedAt,
    updated_by: provider.updatedBy,
  };
  await tx
    .insertInto("providers")
    .values({ name, ...values })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(values))
    .execute();
  await tx.deleteFrom("removed_providers").where("name", "=", name).execute();
}

export async function deleteProvider(tx: Tx, name: string): Promise<void> {
  await tx.deleteFrom("providers").where("name", "=", name).execute();
  await tx
    .insertInto("removed_providers")
    .values({ name })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
