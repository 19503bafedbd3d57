import type { Clock } from "../lib/clock.ts";
import type { Chance } from "../lib/ids.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Cause, Change, Noted } from "../telemetry/change.ts";
import type { AccessTokens } from "./access-token.ts";
import { type Account, findAccount } from "./accounts.ts";
import { normalisedEmail } from "./email.ts";
import type { Passwords } from "./passwords.ts";
import { firstRefreshToken, refreshSession } from "./refresh.ts";
import type { RefreshTokens } from "./refresh-token.ts";
import { type Source, startSession } from "./sessions.ts";
import { readEpoch } from "./users.ts";

export type SignInDeps = {
  readonly db: Db;
  readonly change: Change;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly passwords: Passwords;
  readonly accessTokens: AccessTokens;
  readonly refreshTokens: RefreshTokens;
  /** How long a used refresh token still gives its successor. */
  readonly graceMs: number;
};

export type SignedIn = {
  readonly account: Account;
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly refreshToken: string;
};

/** Whom an e-mail address names, before anything is proved. */
export type Candidate = {
  readonly id: string;
  readonly active: boolean;
  readonly passwordHash: string | null;
};

export async function findCandidate(db: Db, email: string): Promise<Candidate | undefined> {
  const row = await db
    .selectFrom("users")
    .select(["id", "active", "password_hash"])
    .where("email_norm", "=", normalisedEmail(email))
    .executeTakeFirst();
  return row === undefined ? undefined : { id: row.id, active: row.active, passwordHash: row.password_hash };
}

/**
 * Signs a candidate in whose password is right; undefined otherwise, after the same work. A hash of an older kind is
 * replaced. A password that was changed meanwhile signs nobody in.
 */
export async function signInWithPassword(
  deps: SignInDeps,
  cause: Cause,
  attempt: {
    readonly candidate: Candidate | undefined;
    readonly password: string;
    readonly source: Source;
  },
): Promise<SignedIn | undefined> {
  const { candidate, password, source } = attempt;
  const { matches, upgraded } = await deps.passwords.verify(candidate?.passwordHash, password);
  if (candidate === undefined || !matches) return undefined;
  const opened = await deps.change(cause, async (tx, note) => {
    const current = await tx
      .selectFrom("users")
      .select(["password_hash", "active"])
      .where("id", "=", candidate.id)
      .forUpdate()
      .executeTakeFirst();
    if (current?.password_hash !== candidate.passwordHash || !current.active) return undefined;
    if (upgraded !== undefined) {
      await tx.updateTable("users").set({ password_hash: upgraded }).where("id", "=", candidate.id).execute();
    }
    return openSession(tx, note, deps, { userId: candidate.id, method: "password", source });
  });
  return opened === undefined ? undefined : signedIn(deps, opened);
}

/** Trades a refresh token for the next one and a fresh access token (I6); undefined for one that is not good. */
export async function refresh(deps: SignInDeps, cause: Cause, token: string): Promise<SignedIn | undefined> {
  const refreshed = await refreshSession(deps, cause, token);
  return refreshed === undefined ? undefined : signedIn(deps, refreshed);
}

export type Opened = { readonly userId: string; readonly sessionId: string; readonly refreshToken: string };

/** Starts the session of somebody who has proved who they are. */
export async function openSession(
  tx: Tx,
  note: (event: Noted) => void,
  deps: Pick<SignInDeps, "clock" | "chance" | "refreshTokens">,
  wanted: Parameters<typeof startSession>[2],
): Promise<Opened> {
  const { userId, method } = wanted;
  const sessionId = await startSession(tx, deps, wanted);
  const refreshToken = await firstRefreshToken(tx, deps, sessionId);
  const at = new Date(deps.clock.now());
  await tx.updateTable("users").set({ last_login_at: at }).where("id", "=", userId).execute();
  note({
    action: "session.login",
    target: { type: "session", id: sessionId },
    reason: method,
    person: { userId },
  });
  return { userId, sessionId, refreshToken };
}

export async function signedIn(deps: SignInDeps, opened: Opened): Promise<SignedIn> {
  const { userId, sessionId, refreshToken } = opened;
  const account = (await findAccount(deps.db, userId))!;
  const epoch = await readEpoch(deps.db);
  const { token, expiresInSeconds } = await deps.accessTokens.issue({
    userId,
    sessionId,
    role: account.role,
    epoch,
  });
  return { account, accessToken: token, expiresInSeconds, refreshToken };
}
