import { sql } from "kysely";
import { type Clock, utcDay } from "../lib/clock.ts";
import type { Chance } from "../lib/ids.ts";
import { hmacSha256, sameSecret } from "../lib/secrets.ts";
import type { Db } from "../store/tables.ts";
import { maskedKey, newKey, parseKey } from "./key.ts";
import type { Principal } from "./principal.ts";
import { raiseEpoch } from "./users.ts";

/** What may be shown of a key: never its secret, never its digest. */
export type ApiKey = {
  readonly id: number;
  readonly prefix: string;
  readonly keyMasked: string;
  readonly name: string;
  readonly userId: string;
  readonly projectId: number | null;
  readonly scopes: readonly string[];
  readonly dailyQuota: number | null;
  /** Calls of today, UTC. */
  readonly dailyUsage: number;
  readonly status: "active" | "expired" | "revoked";
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
};

export type NewApiKey = {
  readonly userId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly projectId: number | null;
  readonly dailyQuota: number | null;
  readonly expiresAt: Date | null;
  readonly createdBy: string;
};

/** Makes a key. `key` is its full text and exists nowhere else afterwards (K4). */
export async function issueApiKey(
  deps: { db: Db; clock: Clock; chance: Chance; pepper: Uint8Array },
  wanted: NewApiKey,
): Promise<{ key: string; apiKey: ApiKey }> {
  const key = newKey("sk", deps.chance);
  const row = await deps.db
    .insertInto("api_keys")
    .values({
      user_id: wanted.userId,
      project_id: wanted.projectId,
      prefix: parseKey(key)!.prefix,
      digest: hmacSha256(deps.pepper, key),
      name: wanted.name,
      scopes: [...wanted.scopes],
      daily_quota: wanted.dailyQuota,
      created_by: wanted.createdBy,
      created_at: new Date(deps.clock.now()),
      expires_at: wanted.expiresAt,
    })
    .returning(shownColumns)
    .executeTakeFirstOrThrow();
  return { key, apiKey: shown(row, deps.clock.now()) };
}

export async function listApiKeys(
  deps: { db: Db; clock: Clock },
  userId?: string,
): Promise<readonly ApiKey[]> {
  const query = deps.db.selectFrom("api_keys").select(shownColumns).orderBy("id");
  const rows = await (userId === undefined ? query : query.where("user_id", "=", userId)).execute();
  return rows.map((row) => shown(row, deps.clock.now()));
}

export async function findApiKey(
  deps: { db: Db; clock: Clock },
  prefix: string,
): Promise<ApiKey | undefined> {
  const row = await deps.db
    .selectFrom("api_keys")
    .select(shownColumns)
    .where("prefix", "=", prefix)
    .executeTakeFirst();
  return row === undefined ? undefined : shown(row, deps.clock.now());
}

/** Revokes a key and every cached copy of it. Returns the new auth epoch, or undefined if no such key is live. */
export async function revokeApiKey(
  deps: { db: Db; clock: Clock },
  prefix: string,
): Promise<number | undefined> {
  return deps.db.transaction().execute(async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable("api_keys")
      .set({ revoked_at: new Date(deps.clock.now()) })
      .where("prefix", "=", prefix)
      .where("revoked_at", "is", null)
      .executeTakeFirst();
    return numUpdatedRows === 0n ? undefined : raiseEpoch(tx);
  });
}

/** A verified key as cached: who it is, and when it ends by itself. */
export type VerifiedKey = { readonly principal: Principal; readonly expiresAtMs: number | undefined };

/**
 * Verifies a well-formed key against its stored digest. Unknown, revoked, expired, wrong secret and inactive owner
 * are all `undefined`; an unknown prefix costs one HMAC as well.
 */
export async function verifyApiKey(
  deps: { db: Db; clock: Clock; pepper: Uint8Array },
  token: string,
  prefix: string,
): Promise<VerifiedKey | undefined> {
  const row = await deps.db
    .selectFrom("api_keys as key")
    .innerJoin("users as owner", "owner.id", "key.user_id")
    .innerJoin("auth_state", (join) => join.onTrue())
    .where("key.prefix", "=", prefix)
    .select(["key.id", "key.user_id", "key.project_id", "key.digest", "key.scopes", "key.daily_quota"])
    .select([
      "key.expires_at",
      "key.revoked_at",
      "owner.role",
      "owner.active",
      "auth_state.auth_epoch as epoch",
    ])
    .executeTakeFirst();
  const isRight = sameSecret(hmacSha256(deps.pepper, token), row?.digest ?? new Uint8Array(32));
  if (row === undefined || !isRight || row.revoked_at !== null || !row.active) return undefined;
  const expiresAtMs = row.expires_at?.getTime();
  if (expiresAtMs !== undefined && expiresAtMs <= deps.clock.now()) return undefined;
  const credential = {
    kind: "key",
    keyId: row.id,
    prefix,
    scopes: row.scopes,
    projectId: row.project_id,
    dailyQuota: row.daily_quota,
  } as const;
  return { principal: { userId: row.user_id, role: row.role, credential, epoch: row.epoch }, expiresAtMs };
}

/** Notes when keys were last used; `used` holds key ids and times in milliseconds. */
export async function recordLastUse(db: Db, used: ReadonlyMap<number, number>): Promise<void> {
  if (used.size === 0) return;
  const rows = JSON.stringify([...used].map(([id, at]) => ({ id, at: new Date(at) })));
  await sql`
    update api_keys set last_used_at = greatest(last_used_at, used.at)
    from jsonb_to_recordset(${rows}::jsonb) as used (id bigint, at timestamptz)
    where api_keys.id = used.id`.execute(db);
}

const shownColumns = [
  "id",
  "prefix",
  "name",
  "user_id",
  "project_id",
  "scopes",
  "daily_quota",
  "daily_usage",
  "usage_day",
  "created_at",
  "expires_at",
  "last_used_at",
  "revoked_at",
] as const;

type ShownRow = {
  id: number;
  prefix: string;
  name: string;
  user_id: string;
  project_id: number | null;
  scopes: string[];
  daily_quota: number | null;
  daily_usage: number;
  usage_day: string | null;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
};

function shown(row: ShownRow, now: number): ApiKey {
  const isExpired = row.expires_at !== null && row.expires_at.getTime() <= now;
  return {
    id: row.id,
    prefix: row.prefix,
    keyMasked: maskedKey(row.prefix),
    name: row.name,
    userId: row.user_id,
    projectId: row.project_id,
    scopes: row.scopes,
    dailyQuota: row.daily_quota,
    dailyUsage: row.usage_day === utcDay(now) ? row.daily_usage : 0,
    status: row.revoked_at !== null ? "revoked" : isExpired ? "expired" : "active",
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  };
}
