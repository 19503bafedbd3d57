import type { Clock } from "../lib/clock.ts";
import type { Chance } from "../lib/ids.ts";
import { addressBucket } from "../lib/networks.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Cause, Change, Noted } from "../telemetry/change.ts";
import type { AccessTokens } from "./access-token.ts";
import { type Account, findAccount } from "./accounts.ts";
import { normalisedEmail } from "./email.ts";
import type { Passwords } from "./passwords.ts";
import { firstRefreshToken, refreshSession } from "./refresh.ts";
import type { RefreshTokens } from "./refresh-token.ts";
import { KNOWN_SOURCE_MS, type Source, startSession } from "./sessions.ts";
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
  readonly passwordHash: string | null;
  /** This user has signed in from this address within 30 days. */
  readonly isKnownSource: boolean;
};

/** One statement, whoever is asked for: how long it takes tells nobody whether there is an account. */
export async function findCandidate(
  { db, clock }: { readonly db: Db; readonly clock: Clock },
  email: string,
  address: string,
): Promise<Candidate | undefined> {
  const since = new Date(clock.now() - KNOWN_SOURCE_MS);
  return db
    .selectFrom("users")
    .select(["users.id", "users.password_hash as passwordHash"])
    .select(({ exists, selectFrom }) =>
      exists(
        selectFrom("sessions")
          .select("sessions.id")
          .whereRef("sessions.user_id", "=", "users.id")
          .where("sessions.address_bucket", "=", addressBucket(address))
          .where("sessions.created_at", ">", since),
      )
        .$castTo<boolean>()
        .as("isKnownSource"),
    )
    .where("users.email_norm", "=", normalisedEmail(email))
    .executeTakeFirst();
}

/**
 * Signs a candidate in whose password is right; undefined otherwise, after the same work. A hash of an older kind is
 * replaced. If it was replaced meanwhile, or the password changed, what is stored then decides.
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
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (current?.active !== true) return undefined;
    if (current.password_hash !== candidate.passwordHash) return { passwordHash: current.password_hash };
    if (upgraded !== undefined) {
      await tx.updateTable("users").set({ password_hash: upgraded }).where("id", "=", candidate.id).execute();
    }
    return openSession(tx, note, deps, { userId: candidate.id, method: "password", source });
  });
  if (opened === undefined) return undefined;
  if ("sessionId" in opened) return signedIn(deps, opened);
  return signInWithPassword(deps, cause, { ...attempt, candidate: { ...candidate, ...opened } });
}

/** Trades a refresh token for the next one and a fresh access token (I6); undefined for one that is not good. */
export async function refresh(deps: SignInDeps, cause: Cause, token: string): Promise<SignedIn | undefined> {
  const refreshed = await refreshSession(deps, cause, token);
  return refreshed === undefined ? undefined : signedIn(deps, refreshed);
}

export type Opened = { readonly userId: string; readonly sessionId: string; readonly refreshToken: string };

/** Starts the session of somebody who has proved who they are, and whose row the transaction has locked. */
export async function openSession(
  tx: Tx,
  note: (event: Noted) => void,
  deps: Pick<SignInDeps, "clock" | "chance" | "refreshTokens">,
  wanted: Parameters<typeof startSession>[3],
): Promise<Opened> {
  const { userId, method } = wanted;
  const sessionId = await startSession(tx, note, deps, wanted);
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

/** Undefined for a user who was erased meanwhile, and the session with them. */
export async function signedIn(deps: SignInDeps, opened: Opened): Promise<SignedIn | undefined> {
  const { userId, sessionId, refreshToken } = opened;
  const account = await findAccount(deps.db, userId);
  if (account === undefined) return undefined;
  const epoch = await readEpoch(deps.db);
  const { token, expiresInSeconds } = await deps.accessTokens.issue({
    userId,
    sessionId,
    role: account.role,
    epoch,
  });
  return { account, accessToken: token, expiresInSeconds, refreshToken };
}
