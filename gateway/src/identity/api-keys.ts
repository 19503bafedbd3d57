import { sql } from "kysely";
import { type Clock, utcDay } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Chance } from "../lib/ids.ts";
import { hmacSha256 } from "../lib/secrets.ts";
import type { HoldPlan } from "../limits/plans.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import { holdOpenProject, holdOwner } from "./hold-owner.ts";
import { maskedKey, newKey, parseKey } from "./key.ts";

/** What a key is for and what it allows. Null limits nothing. */
export type KeyPolicy = {
  readonly name: string;
  readonly description: string | null;
  readonly scopes: readonly string[];
  /** The key's calls are paid by this project. */
  readonly projectId: number | null;
  /** Calls per UTC day, of a key and its successors together. */
  readonly dailyQuota: number | null;
  /** Limits of a key and its successors together, besides those of their user. */
  readonly plan: string | null;
  readonly expiresAt: Date | null;
  /** `provider/model`, `provider/*`, or a name as callers write it. */
  readonly allowedModels: readonly string[] | null;
  /** Networks as `networkText` writes them. */
  readonly allowedIps: readonly string[] | null;
};

/** What may be shown of a key: never its secret, never its digest. */
export type ApiKey = KeyPolicy & {
  readonly id: number;
  readonly prefix: string;
  readonly keyMasked: string;
  readonly userId: string;
  /** Keys of inactive owners are refused, whatever their status. */
  readonly ownerIsActive: boolean;
  /** Rotating: there is a successor, and this key still works. */
  readonly status: "active" | "rotating" | "expired" | "revoked";
  /** The first key of the chain of rotated keys, which share one quota. */
  readonly quotaGroup: number;
  /** Calls of today, UTC, of the whole chain. */
  readonly dailyUsage: number;
  /** Prefix of the key that this one succeeded. */
  readonly rotatedFrom: string | null;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
  readonly revokeReason: string | null;
};

export type NewApiKey = Partial<KeyPolicy> & Pick<KeyPolicy, "name" | "scopes"> & { readonly userId: string };

/** A key's full text, which exists nowhere else afterwards (K4), and what may be shown of it. */
export type IssuedKey = { readonly key: string; readonly apiKey: ApiKey };

export type IssueDeps = {
  readonly change: Change;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly pepper: Uint8Array;
  readonly holdPlan: HoldPlan;
};

/** Of each user: what ends a user's keys has to hold them all. */
const MAX_LIVE_KEYS = 1_000;

/**
 * Makes a key. Throws VALIDATION_FAILED for an unknown plan, NOT_FOUND for a project that is not open, AUTH_INVALID if
 * who asks was shut out meanwhile, CONFLICT for a user who has 1,000 live keys.
 */
export async function issueApiKey(deps: IssueDeps, cause: Cause, wanted: NewApiKey): Promise<IssuedKey> {
  return deps.change(cause, async (tx, note) => {
    if (wanted.plan != null) await deps.holdPlan(tx, wanted.plan);
    if (wanted.projectId != null) await holdOpenProject(tx, wanted.projectId);
    await holdOwner({ tx, clock: deps.clock }, cause, wanted.userId);
    const issued = await addApiKey(deps, tx, cause, wanted);
    note({ action: "key.issue", target: { type: "key", id: issued.apiKey.prefix } });
    return issued;
  });
}

/** Adds a key of a user who is held; as the successor of another it has that one's quota and plan. */
export async function addApiKey(
  deps: Omit<IssueDeps, "change" | "holdPlan">,
  tx: Tx,
  cause: Cause,
  wanted: NewApiKey,
  predecessor?: ApiKey,
): Promise<IssuedKey> {
  await demandRoom(tx, wanted.userId, deps.clock.now());
  const key = newKey("sk", deps.chance);
  const { prefix } = parseKey(key)!;
  await tx
    .insertInto("api_keys")
    .values({
      user_id: wanted.userId,
      project_id: wanted.projectId ?? null,
      prefix,
      digest: hmacSha256(deps.pepper, key),
      name: wanted.name,
      description: wanted.description ?? null,
      scopes: [...wanted.scopes],
      daily_quota: predecessor === undefined ? (wanted.dailyQuota ?? null) : null,
      plan: predecessor === undefined ? (wanted.plan ?? null) : null,
      allowed_models: listOrNull(wanted.allowedModels),
      allowed_ips: listOrNull(wanted.allowedIps),
      created_by: cause.actor.id,
      created_at: new Date(deps.clock.now()),
      expires_at: wanted.expiresAt ?? null,
      rotated_from: predecessor?.id ?? null,
      chain_root: predecessor?.quotaGroup ?? null,
    })
    .execute();
  return { key, apiKey: (await findApiKey({ db: tx, clock: deps.clock }, prefix))! };
}

async function demandRoom(tx: Tx, userId: string, now: number): Promise<void> {
  const { live } = await tx
    .selectFrom("api_keys")
    .select(({ fn }) => fn.countAll<number>().as("live"))
    .where("user_id", "=", userId)
    .where("revoked_at", "is", null)
    .where(({ or, eb }) => or([eb("expires_at", "is", null), eb("expires_at", ">", new Date(now))]))
    .executeTakeFirstOrThrow();
  if (live < MAX_LIVE_KEYS) return;
  const message = `A user has at most ${MAX_LIVE_KEYS} keys at a time. Revoke one first.`;
  throw new TollgateError("CONFLICT", undefined, { message });
}

type ReadDeps = { readonly db: Db; readonly clock: Clock };

export async function findApiKey({ db, clock }: ReadDeps, prefix: string): Promise<ApiKey | undefined> {
  const row = await shownKeys(db).where("key.prefix", "=", prefix).executeTakeFirst();
  return row === undefined ? undefined : shown(row, clock.now());
}

export async function findApiKeyById({ db, clock }: ReadDeps, id: number): Promise<ApiKey | undefined> {
  const row = await shownKeys(db).where("key.id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : shown(row, clock.now());
}

/** Keys in the order in which they were made: one user's or all, behind the key `afterId`, at most `limit`. */
export async function listApiKeys(
  { db, clock }: ReadDeps,
  userId?: string,
  { afterId, limit }: { readonly afterId?: number; readonly limit?: number } = {},
): Promise<readonly ApiKey[]> {
  const rows = await shownKeys(db)
    .$if(userId !== undefined, (keys) => keys.where("key.user_id", "=", userId!))
    .$if(afterId !== undefined, (keys) => keys.where("key.id", ">", afterId!))
    .$if(limit !== undefined, (keys) => keys.limit(limit!))
    .orderBy("key.id")
    .execute();
  return rows.map((row) => shown(row, clock.now()));
}

/**
 * Reads a key and keeps everybody else from changing it or the quota of its chain until the transaction ends. Throws
 * NOT_FOUND.
 */
export async function lockApiKey(tx: Tx, clock: Clock, prefix: string): Promise<ApiKey> {
  await sql`
    select id from api_keys
    where id in (select unnest(array[id, quota_group]) from api_keys where prefix = ${prefix})
    order by id for no key update`.execute(tx);
  const key = await findApiKey({ db: tx, clock }, prefix);
  if (key === undefined) throw new TollgateError("NOT_FOUND");
  return key;
}

export function listOrNull(list: readonly string[] | null | undefined): string[] | null {
  return list == null ? null : [...list];
}

function shownKeys(db: Db) {
  return db
    .selectFrom("api_keys as key")
    .innerJoin("api_keys as first", "first.id", "key.quota_group")
    .innerJoin("users as owner", "owner.id", "key.user_id")
    .leftJoin("api_keys as predecessor", "predecessor.id", "key.rotated_from")
    .select(["key.id", "key.prefix", "key.name", "key.description", "key.user_id", "key.project_id"])
    .select(["key.scopes", "key.allowed_models", "key.allowed_ips", "key.quota_group", "key.created_at"])
    .select(["key.expires_at", "key.last_used_at", "key.revoked_at", "key.revoke_reason"])
    .select(["first.daily_quota", "first.daily_usage", "first.usage_day", "first.plan"])
    .select(["owner.active as owner_is_active", "predecessor.prefix as rotated_from"])
    .select(({ exists, selectFrom }) =>
      exists(
        selectFrom("api_keys as successor")
          .select("successor.id")
          .whereRef("successor.rotated_from", "=", "key.id"),
      ).as("has_successor"),
    );
}

type ShownRow = Awaited<ReturnType<ReturnType<typeof shownKeys>["executeTakeFirstOrThrow"]>>;

function shown(row: ShownRow, now: number): ApiKey {
  return {
    id: row.id,
    prefix: row.prefix,
    keyMasked: maskedKey(row.prefix),
    name: row.name,
    description: row.description,
    userId: row.user_id,
    ownerIsActive: row.owner_is_active,
    projectId: row.project_id,
    scopes: row.scopes,
    allowedModels: row.allowed_models,
    allowedIps: row.allowed_ips,
    dailyQuota: row.daily_quota,
    plan: row.plan,
    dailyUsage: row.usage_day === utcDay(now) ? row.daily_usage : 0,
    quotaGroup: row.quota_group,
    status: statusOf(row, now),
    rotatedFrom: row.rotated_from,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    revokeReason: row.revoke_reason,
  };
}

function statusOf({ revoked_at, expires_at, has_successor }: ShownRow, now: number): ApiKey["status"] {
  if (revoked_at !== null) return "revoked";
  if (expires_at !== null && expires_at.getTime() <= now) return "expired";
  return has_successor ? "rotating" : "active";
}
