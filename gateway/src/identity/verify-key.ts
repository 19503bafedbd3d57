import { sql } from "kysely";
import type { Clock } from "../lib/clock.ts";
import { parseNetworks } from "../lib/networks.ts";
import { hmacSha256, sameSecret } from "../lib/secrets.ts";
import type { Db } from "../store/tables.ts";
import type { KeyGrant, Principal } from "./principal.ts";

/** A verified key as cached: who it is, and when it ends by itself. */
export type VerifiedKey = { readonly principal: Principal; readonly expiresAtMs: number | undefined };

/** The pepper in force, then older ones whose digests are still accepted. */
export type Peppers = readonly Uint8Array[];

/**
 * Verifies a well-formed key against its stored digest. Unknown, revoked, expired, wrong secret and inactive owner
 * are all `undefined`; an unknown prefix costs one HMAC as well.
 */
export async function verifyApiKey(
  deps: { db: Db; clock: Clock; peppers: Peppers },
  token: string,
  prefix: string,
): Promise<VerifiedKey | undefined> {
  const row = await deps.db
    .selectFrom("api_keys as key")
    .innerJoin("api_keys as first", "first.id", "key.quota_group")
    .innerJoin("users as owner", "owner.id", "key.user_id")
    .innerJoin("auth_state", (join) => join.onTrue())
    .where("key.prefix", "=", prefix)
    .select(["key.id", "key.user_id", "key.project_id", "key.digest", "key.scopes"])
    .select(["key.quota_group", "key.allowed_models", "key.allowed_ips", "first.daily_quota"])
    .select([
      "key.expires_at",
      "key.revoked_at",
      "owner.role",
      "owner.active",
      "auth_state.auth_epoch as epoch",
    ])
    .executeTakeFirst();
  const pepper = pepperOf(deps.peppers, token, row?.digest ?? new Uint8Array(32));
  if (row === undefined || pepper === undefined || row.revoked_at !== null || !row.active) return undefined;
  const expiresAtMs = row.expires_at?.getTime();
  if (expiresAtMs !== undefined && expiresAtMs <= deps.clock.now()) return undefined;
  if (pepper !== deps.peppers[0]) await renewDigest(deps, token, row);
  const { user_id: userId, role, epoch } = row;
  const key: KeyGrant = {
    keyId: row.id,
    prefix,
    quotaGroup: row.quota_group,
    ownerId: userId,
    ownerRole: role,
    scopes: row.scopes,
    projectId: row.project_id,
    dailyQuota: row.daily_quota,
    allowedModels: row.allowed_models,
    allowedNetworks: row.allowed_ips === null ? null : parseNetworks(row.allowed_ips).networks,
    expiresAtMs: expiresAtMs ?? null,
  };
  return { principal: { userId, role, credential: { kind: "key" }, key, epoch }, expiresAtMs };
}

/** The pepper that the digest was made with, if it is this token's. */
export function pepperOf(peppers: Peppers, token: string, digest: Uint8Array): Uint8Array | undefined {
  return peppers.find((pepper) => sameSecret(hmacSha256(pepper, token), digest));
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

/** A digest that cannot be written now is written when the key is looked up again. */
async function renewDigest(
  { db, peppers }: { db: Db; peppers: Peppers },
  token: string,
  { id, digest }: { id: number; digest: Uint8Array },
): Promise<void> {
  await db
    .updateTable("api_keys")
    .set({ digest: hmacSha256(peppers[0]!, token) })
    .where("id", "=", id)
    .where("digest", "=", digest)
    .execute()
    .catch(() => undefined);
}
