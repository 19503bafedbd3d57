import { sql } from "kysely";
import { type Clock, DAY_MS } from "../lib/clock.ts";
import { type Chance, uuidv7 } from "../lib/ids.ts";
import { addressBucket } from "../lib/networks.ts";
import type { PlanOf } from "../limits/plans.ts";
import type { SessionsTable } from "../store/tables.identity.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Cause, Change, Noted } from "../telemetry/change.ts";
import type { Principal } from "./principal.ts";

const IDLE_MS = 30 * DAY_MS;
const LONGEST_MS = 90 * DAY_MS;
/** From an address that an account has used this recently, its owner is never locked out by strangers. */
export const KNOWN_SOURCE_MS = 30 * DAY_MS;
/** Of each user: what ends a user's sessions has to hold them all. */
const MAX_LIVE = 100;

export type Source = { readonly address: string; readonly userAgent: string | undefined };

export type Session = {
  readonly id: string;
  readonly method: SessionsTable["method"];
  readonly address: string;
  readonly userAgent: string | null;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
};

/** A sign-in lasts 30 days without use and 90 at most. The hundred-and-first of a user ends the oldest. */
export async function startSession(
  tx: Tx,
  note: (event: Noted) => void,
  { clock, chance }: { clock: Clock; chance: Chance },
  wanted: { readonly userId: string; readonly method: SessionsTable["method"]; readonly source: Source },
): Promise<string> {
  const now = clock.now();
  const id = uuidv7(now, chance);
  const { address, userAgent } = wanted.source;
  await endSessions(tx, note, wanted.userId, { beyond: MAX_LIVE - 1 }, { reason: "too many sessions", now });
  await tx
    .insertInto("sessions")
    .values({
      id,
      user_id: wanted.userId,
      method: wanted.method,
      address,
      address_bucket: addressBucket(address),
      user_agent: userAgent,
      created_at: new Date(now),
      last_seen_at: new Date(now),
      idle_expires_at: new Date(now + IDLE_MS),
      absolute_expires_at: new Date(now + LONGEST_MS),
    })
    .execute();
  return id;
}

/** Puts off the end of a session that is in use. */
export async function prolongSession(tx: Tx, id: string, now: number): Promise<void> {
  const idleEnd = new Date(now + IDLE_MS);
  await tx
    .updateTable("sessions")
    .set({ idle_expires_at: idleEnd, last_seen_at: new Date(now) })
    .where("id", "=", id)
    .execute();
}

/** A session as cached: who it is, and when it ends by itself. */
export type LiveSession = { readonly principal: Principal; readonly expiresAtMs: number };

/** The session an access token belongs to, if it has not ended and its user is active: one statement with the epoch. */
export async function findLiveSession(
  { db, clock, planOf }: { db: Db; clock: Clock; planOf: PlanOf },
  claims: { readonly userId: string; readonly sessionId: string; readonly expiresAtMs: number },
): Promise<LiveSession | undefined> {
  const row = await db
    .selectFrom("sessions")
    .innerJoin("users", "users.id", "sessions.user_id")
    .innerJoin("auth_state", (join) => join.onTrue())
    .leftJoin("plans", (join) => join.on("plans.name", "=", sql<string>`coalesce(users.plan, 'default')`))
    .where("sessions.id", "=", claims.sessionId)
    .where("sessions.user_id", "=", claims.userId)
    .where("sessions.revoked_at", "is", null)
    .where("users.active", "=", true)
    .select(["users.role", "sessions.idle_expires_at", "sessions.absolute_expires_at"])
    .select(["users.plan", "plans.limits as plan_limits", "users.limit_overrides"])
    .select("auth_state.auth_epoch as epoch")
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const ends = [claims.expiresAtMs, row.idle_expires_at.getTime(), row.absolute_expires_at.getTime()];
  const expiresAtMs = Math.min(...ends);
  if (expiresAtMs <= clock.now()) return undefined;
  const { userId, sessionId } = claims;
  const credential = { kind: "session", sessionId } as const;
  const { role, epoch, limit_overrides: overrides } = row;
  const plan = planOf(row.plan, row.plan_limits);
  return { principal: { userId, role, credential, plan, overrides, epoch }, expiresAtMs };
}

/** A user's sessions that have not ended, newest first, from behind the session `after` on. */
export async function listSessions(
  { db, clock }: { db: Db; clock: Clock },
  userId: string,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<readonly Session[]> {
  const now = new Date(clock.now());
  const live = db
    .selectFrom("sessions")
    .select(["id", "method", "address", "user_agent", "created_at", "last_seen_at"])
    .where("user_id", "=", userId)
    .where("revoked_at", "is", null)
    .where("idle_expires_at", ">", now)
    .where("absolute_expires_at", ">", now)
    .orderBy("id", "desc")
    .limit(limit);
  const rows = await (after === undefined ? live : live.where("id", "<", after)).execute();
  return rows.map((row) => ({
    id: row.id,
    method: row.method,
    address: row.address,
    userAgent: row.user_agent,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
  }));
}

/** Which sessions of a user end: one, all but one, all but the newest so many, or all. */
export type Ending =
  | { readonly only: string }
  | { readonly except: string }
  | { readonly beyond: number }
  | "all";

/** Ends sessions of a user with all their tokens, and notes each. Answers how many ended. */
export async function endSessions(
  tx: Tx,
  note: (event: Noted) => void,
  userId: string,
  which: Ending,
  { reason, now }: { readonly reason: string; readonly now: number },
): Promise<number> {
  const live = tx
    .selectFrom("sessions")
    .select("id")
    .where("user_id", "=", userId)
    .where("revoked_at", "is", null)
    .where("absolute_expires_at", ">", new Date(now));
  const ending =
    which === "all"
      ? live
      : "only" in which
        ? live.where("id", "=", which.only)
        : "except" in which
          ? live.where("id", "!=", which.except)
          : live.where("id", "in", live.orderBy("id", "desc").offset(which.beyond));
  const ended = await tx
    .with("ending", () => ending.orderBy("id").forNoKeyUpdate())
    .updateTable("sessions")
    .set({ revoked_at: new Date(now), revoke_reason: reason })
    .where("id", "in", ({ selectFrom }) => selectFrom("ending").select("id"))
    .returning("id")
    .execute();
  for (const { id } of ended) note({ action: "session.revoke", target: { type: "session", id }, reason });
  return ended.length;
}

/** Ends sessions at their user's wish. Answers how many ended. */
export function revokeSessions(
  { change, clock }: { change: Change; clock: Clock },
  cause: Cause,
  userId: string,
  which: Ending,
): Promise<number> {
  return change(cause, (tx, note) =>
    endSessions(tx, note, userId, which, { reason: "by its user", now: clock.now() }),
  );
}

/** Forgets every session of a user. */
export async function deleteSessions(tx: Tx, userId: string): Promise<void> {
  await tx
    .with("held", (db) =>
      db.selectFrom("sessions").select("id").where("user_id", "=", userId).orderBy("id").forUpdate(),
    )
    .deleteFrom("sessions")
    .where("id", "in", ({ selectFrom }) => selectFrom("held").select("id"))
    .execute();
}

/** Notes when sessions were last seen; `used` holds session ids and times in milliseconds. */
export async function recordSessionUse(db: Db, used: ReadonlyMap<string, number>): Promise<void> {
  if (used.size === 0) return;
  const rows = JSON.stringify([...used].map(([id, at]) => ({ id, at: new Date(at) })));
  await sql`
    with used as (select * from jsonb_to_recordset(${rows}::jsonb) as used (id uuid, at timestamptz)),
      held as (select id from sessions where id in (select id from used) order by id for no key update)
    update sessions set last_seen_at = greatest(last_seen_at, used.at)
    from held join used on used.id = held.id
    where sessions.id = held.id`.execute(db);
}

/** Deletes sessions that ended so long ago that not even their address counts any more. */
export async function sweepSessions(db: Db, now: number): Promise<void> {
  await db
    .with("over", (expired) =>
      expired
        .selectFrom("sessions")
        .select("id")
        .where("absolute_expires_at", "<", new Date(now))
        .where("created_at", "<", new Date(now - KNOWN_SOURCE_MS))
        .orderBy("id")
        .forUpdate(),
    )
    .deleteFrom("sessions")
    .where("id", "in", ({ selectFrom }) => selectFrom("over").select("id"))
    .execute();
}
