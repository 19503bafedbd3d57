import type { Db, Tx } from "../store/tables.ts";

/** Is there somebody who may do everything, and is not shut out? */
export async function hasAdministrator(db: Db): Promise<boolean> {
  const row = await db
    .selectFrom("users")
    .select("id")
    .where("role", "=", "admin")
    .where("active", "=", true)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whoever makes or unmakes an administrator comes here last, one after the other; then the others are counted. */
export async function lockAuthState(tx: Tx): Promise<{ readonly setupDigest: Uint8Array | null }> {
  return tx
    .selectFrom("auth_state")
    .select("setup_digest as setupDigest")
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
}

/** Once there is an administrator, nobody becomes one by the set-up token any more. */
export async function endSetupOffer(tx: Tx): Promise<void> {
  await tx.updateTable("auth_state").set({ setup_digest: null }).execute();
}
