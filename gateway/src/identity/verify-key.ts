import { sql } from "kysely";
import type { Clock } from "../lib/clock.ts";
import { parseNetworks } from "../lib/networks.ts";
import { hmacSha256, sameSecret } from "../lib/secrets.ts";
import type { PlanOf } from "../limits/plans.ts";
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
  deps: { db: Db; clock: Clock; peppers: Peppers; planOf: PlanOf },
  token: string,
  prefix: string,
): Promise<VerifiedKey | undefined> {
  const row = await grantedKeys(deps.db)
    .where("key.prefix", "=", prefix)
    .select(["key.digest", "key.revoked_at", "owner.active"])
    .executeTakeFirst();
  const pepper = pepperOf(deps.peppers, token, row?.digest ?? new Uint8Array(32));
  if (row === undefined || pepper === undefined || row.revoked_at !== null || !row.active) return undefined;
  const expiresAtMs = row.expires_at?.getTime();
  if (expiresAtMs !== undefined && expiresAtMs <= deps.clock.now()) return undefined;
  if (pepper !== deps.peppers[0]) await renewDigest(deps, token, row);
  return { principal: principalOf(row, deps.planOf), expiresAtMs };
}

/** What each live chain of a user's keys makes its caller, by the newest key of the chain. */
export async function principalsOfKeys(
  { db, clock, planOf }: { db: Db; clock: Clock; planOf: PlanOf },
  userId: string,
): Promise<readonly Principal[]> {
  const rows = await grantedKeys(db)
    .where("key.user_id", "=", userId)
    .where("key.revoked_at", "is", null)
    .where((where) =>
      where.or([where("key.expires_at", "is", null), where("key.expires_at", ">", new Date(clock.now()))]),
    )
    .orderBy("key.id")
    .execute();
  return [...new Map(rows.map((row) => [row.quota_group, principalOf(row, planOf)])).values()];
}

/**
 * What an API key makes its caller, without the key itself: for what is done later in its name. A rotated key is stood
 * for by its successor. Undefined: it was revoked, or has ended, or its owner is shut out.
 */
export async function principalOfKey(
  { db, clock, planOf }: { db: Db; clock: Clock; planOf: PlanOf },
  keyId: number,
): Promise<Principal | undefined> {
  const row = await grantedKeys(db)
    .innerJoin("api_keys as named", "named.quota_group", "key.quota_group")
    .where("named.id", "=", keyId)
    .where("named.revoked_at", "is", null)
    .where("key.revoked_at", "is", null)
    .where("owner.active", "=", true)
    .where((where) =>
      where.or([where("key.expires_at", "is", null), where("key.expires_at", ">", new Date(clock.now()))]),
    )
    .orderBy("key.id", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : principalOf(row, planOf);
}

function grantedKeys(db: Db) {
  return db
    .selectFrom("api_keys as key")
    .innerJoin("api_keys as first", "first.id", "key.quota_group")
    .innerJoin("users as owner", "owner.id", "key.user_id")
    .innerJoin("auth_state", (join) => join.onTrue())
    .leftJoin("plans as own", (join) =>
      join.on("own.name", "=", sql<string>`coalesce(owner.plan, 'default')`),
    )
    .leftJoin("plans as given", "given.name", "first.plan")
    .select(["key.id", "key.prefix", "key.user_id", "key.project_id", "key.scopes", "key.quota_group"])
    .select(["key.allowed_models", "key.allowed_ips", "key.expires_at", "first.daily_quota"])
    .select(["first.plan as key_plan", "given.limits as key_plan_limits"])
    .select(["owner.plan as user_plan", "own.limits as user_plan_limits", "owner.limit_overrides"])
    .select(["owner.role", "auth_state.auth_epoch as epoch"]);
}

type GrantedRow = Awaited<ReturnType<ReturnType<typeof grantedKeys>["executeTakeFirstOrThrow"]>>;

function principalOf(row: GrantedRow, planOf: PlanOf): Principal {
  const { user_id: userId, role, epoch, limit_overrides: overrides } = row;
  const key: KeyGrant = {
    keyId: row.id,
    prefix: row.prefix,
    quotaGroup: row.quota_group,
    ownerId: userId,
    ownerRole: role,
    scopes: row.scopes,
    projectId: row.project_id,
    dailyQuota: row.daily_quota,
    allowedModels: row.allowed_models,
    allowedNetworks: row.allowed_ips === null ? null : parseNetworks(row.allowed_ips).networks,
    plan: row.key_plan === null ? null : planOf(row.key_plan, row.key_plan_limits),
    expiresAtMs: row.expires_at?.getTime() ?? null,
  };
  const plan = planOf(row.user_plan, row.user_plan_limits);
  return { userId, role, credential: { kind: "key" }, key, plan, overrides, epoch };
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
    with used as (select * from jsonb_to_recordset(${rows}::jsonb) as used (id bigint, at timestamptz)),
      held as (select id from api_keys where id in (select id from used) order by id for no key update)
    update api_keys set last_used_at = greatest(last_used_at, used.at)
    from held join used on used.id = held.id
    where api_keys.id = held.id`.execute(db);
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
