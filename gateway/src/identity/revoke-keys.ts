import type { Clock } from "../lib/clock.ts";
import type { Tx } from "../store/tables.ts";
import type { Cause, Change, Noted } from "../telemetry/change.ts";

/** Revokes a key and every cached copy of it. False if no such key is live. */
export async function revokeApiKey(
  { change, clock }: { change: Change; clock: Clock },
  cause: Cause,
  prefix: string,
  reason: string | null = null,
): Promise<boolean> {
  return change(cause, async (tx, note) => {
    const { numUpdatedRows } = await tx
      .updateTable("api_keys")
      .set({ revoked_at: new Date(clock.now()), revoke_reason: reason })
      .where("prefix", "=", prefix)
      .where("revoked_at", "is", null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return false;
    const target = { type: "key", id: prefix };
    note({ action: "key.revoke", target, ...(reason === null ? {} : { reason }) });
    return true;
  });
}

/** Revokes every live key of a user, and notes each. */
export async function revokeKeysOfUser(
  tx: Tx,
  note: (event: Noted) => void,
  userId: string,
  { reason, now }: { readonly reason: string; readonly now: number },
): Promise<void> {
  const revoked = await tx
    .with("live", (db) =>
      db
        .selectFrom("api_keys")
        .select("id")
        .where("user_id", "=", userId)
        .where("revoked_at", "is", null)
        .orderBy("id")
        .forNoKeyUpdate(),
    )
    .updateTable("api_keys")
    .set({ revoked_at: new Date(now), revoke_reason: reason })
    .where("id", "in", ({ selectFrom }) => selectFrom("live").select("id"))
    .returning("prefix")
    .execute();
  for (const { prefix } of revoked)
    note({ action: "key.revoke", target: { type: "key", id: prefix }, reason });
}

/** Revokes every live key that is bound to a project; answers their prefixes, for the caller to note. */
export async function revokeKeysOfProject(
  { tx, clock }: { tx: Tx; clock: Clock },
  projectId: number,
): Promise<readonly string[]> {
  const bound = await tx
    .selectFrom("api_keys")
    .select("id")
    .where("project_id", "=", projectId)
    .where("revoked_at", "is", null)
    .orderBy("id")
    .forNoKeyUpdate()
    .execute();
  if (bound.length === 0) return [];
  const revoked = await tx
    .updateTable("api_keys")
    .set({ revoked_at: new Date(clock.now()), revoke_reason: "project deleted" })
    .where(
      "id",
      "in",
      bound.map(({ id }) => id),
    )
    .returning("prefix")
    .execute();
  return revoked.map(({ prefix }) => prefix);
}
