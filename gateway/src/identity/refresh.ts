import type { Clock } from "../lib/clock.ts";
import type { Tx } from "../store/tables.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import type { RefreshTokens } from "./refresh-token.ts";
import { endSessions, prolongSession } from "./sessions.ts";

export type Refreshed = {
  readonly userId: string;
  readonly sessionId: string;
  readonly refreshToken: string;
};

/** The first refresh token of a session. */
export async function firstRefreshToken(
  tx: Tx,
  { refreshTokens, clock }: { refreshTokens: RefreshTokens; clock: Clock },
  sessionId: string,
): Promise<string> {
  const token = refreshTokens.mint();
  await insertToken(tx, refreshTokens.digests(token)![0]!, sessionId, clock.now());
  return token;
}

/**
 * Trades a refresh token for its successor (I6). The successor is derived from the token, so a caller that repeats
 * itself, or two at once, get the same one: within the grace, and only while the successor is unused. Any other use of
 * a used token means that two parties hold it: the session ends. Undefined for a token that is not, or no longer, good.
 */
export async function refreshSession(
  deps: { change: Change; clock: Clock; refreshTokens: RefreshTokens; graceMs: number },
  cause: Cause,
  token: string,
): Promise<Refreshed | undefined> {
  const { change, clock, refreshTokens, graceMs } = deps;
  const digests = refreshTokens.digests(token);
  if (digests === undefined) return undefined;
  return change(cause, async (tx, note) => {
    const held = await lockToken(tx, digests);
    const now = clock.now();
    if (held === undefined || held.ends_at.getTime() <= now) return undefined;
    const { session_id: sessionId, user_id: userId } = held;
    if (held.used_at === null) {
      const successor = refreshTokens.successorOf(token);
      const digest = refreshTokens.digests(successor)![0]!;
      await tx
        .updateTable("refresh_tokens")
        .set({ used_at: new Date(now), successor_digest: digest })
        .where("digest", "=", held.digest)
        .execute();
      await insertToken(tx, digest, sessionId, now);
      await prolongSession(tx, sessionId, now);
      return { userId, sessionId, refreshToken: successor };
    }
    const isGraceful = now - held.used_at.getTime() <= graceMs && held.successor_used_at === null;
    const given =
      isGraceful && held.successor_digest !== null
        ? refreshTokens.storedSuccessorOf(token, held.successor_digest)
        : undefined;
    if (given !== undefined) return { userId, sessionId, refreshToken: given };
    await endSessions(tx, note, userId, { only: sessionId }, { reason: "refresh token reused", now });
    note({ action: "session.reuse_detected", target: { type: "session", id: sessionId }, outcome: "denied" });
    return undefined;
  });
}

/**
 * The token's row with what it needs to be judged, only of a live session. That is locked until the transaction ends,
 * and in a statement before: what is then read of its tokens is what whoever held it before has left.
 */
async function lockToken(tx: Tx, digests: readonly Uint8Array[]) {
  await tx
    .selectFrom("sessions")
    .select("id")
    .where("id", "in", ({ selectFrom }) =>
      selectFrom("refresh_tokens")
        .select("session_id")
        .where("digest", "in", [...digests]),
    )
    .forNoKeyUpdate()
    .execute();
  const found = await tx
    .selectFrom("refresh_tokens as token")
    .innerJoin("sessions as session", "session.id", "token.session_id")
    .innerJoin("users as owner", "owner.id", "session.user_id")
    .where("token.digest", "in", [...digests])
    .where("session.revoked_at", "is", null)
    .where("owner.active", "=", true)
    .select(["token.digest", "token.session_id", "token.used_at", "token.successor_digest"])
    .select(["session.user_id", "session.idle_expires_at", "session.absolute_expires_at"])
    .executeTakeFirst();
  if (found === undefined) return undefined;
  const { successor_digest: successor, idle_expires_at: idle, absolute_expires_at: absolute } = found;
  const next =
    successor === null
      ? undefined
      : await tx
          .selectFrom("refresh_tokens")
          .select("used_at")
          .where("digest", "=", successor)
          .executeTakeFirst();
  return { ...found, ends_at: idle < absolute ? idle : absolute, successor_used_at: next?.used_at ?? null };
}

async function insertToken(tx: Tx, digest: Uint8Array, sessionId: string, now: number): Promise<void> {
  await tx
    .insertInto("refresh_tokens")
    .values({ digest, session_id: sessionId, issued_at: new Date(now) })
    .execute();
}
