import { hash } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { PlanOf } from "../limits/plans.ts";
import type { Db } from "../store/tables.ts";
import { type AccessTokens, looksLikeJwt } from "./access-token.ts";
import { parseKey } from "./key.ts";
import type { Principal } from "./principal.ts";
import { findLiveSession, recordSessionUse } from "./sessions.ts";
import type { StaticTokens } from "./static-tokens.ts";
import { findUser, liftEpoch, readEpoch } from "./users.ts";
import { recordLastUse, verifyApiKey } from "./verify-key.ts";

const TTL_MS = 30_000;
const NEGATIVE_TTL_MS = 5_000;
/** For how long a cached identity is believed once nobody confirms the epoch any more. */
const UNCONFIRMED_TTL_MS = 5_000;
const MAX_ENTRIES = 50_000;
const MAX_NEGATIVE_ENTRIES = 10_000;

export type CacheResult = "hit" | "miss" | "negative" | "stale_epoch" | "expired";

type Entry = {
  readonly principal: Principal;
  /** Monotonic milliseconds; its own expiry is a wall clock time. */
  readonly loadedAt: number;
  readonly expiresAtMs: number | undefined;
};

/**
 * Turns a presented token into a Principal, or refuses it (I1). Verified identities are cached under the SHA-256 of
 * the whole token until their TTL, their own expiry, or a newer auth epoch, whichever comes first. While the epoch
 * should be polled and cannot be read, their TTL is 5 s.
 */
export type Identifier = {
  /**
   * Throws AUTH_REQUIRED without a token, AUTH_INVALID for one that proves nothing, STORE_UNAVAILABLE if unknown.
   * `letLookUp` is asked before a token is looked up that has not been good lately, once for all who bring it at a
   * time, and may throw.
   */
  identify(token: string | undefined, letLookUp?: () => Promise<void>): Promise<Principal>;
  /**
   * The same, past the cache: for a principal that a limit decision found older than `epoch`. A database that is
   * itself behind that epoch, because it was restored, is brought up to it.
   */
  identifyAfresh(token: string, epoch: number): Promise<Principal>;
  /** The app that has this static key; undefined: none has. */
  appOf(key: string): string | undefined;
  /** Identities read before `epoch` are no longer served. */
  noticeEpoch(epoch: number): void;
  /** Reads the epoch from the store; for when neither NOTIFY nor shared counters can be leaned on. */
  refreshEpoch(): Promise<void>;
  /** Writes when keys and sessions were last used since the last flush. */
  flushLastUse(): Promise<void>;
};

export function identifier(deps: {
  db: Db;
  clock: Clock;
  peppers: readonly Uint8Array[];
  tokens: StaticTokens;
  accessTokens: AccessTokens;
  planOf: PlanOf;
  onCache: (result: CacheResult) => void;
}): Identifier {
  const { db, clock, tokens, accessTokens } = deps;
  const verified = new Map<string, Entry>();
  const refused = new Map<string, number>();
  const loading = new Map<string, Promise<Entry | undefined>>();
  const asking = new Map<string, Promise<void>>();
  let keysUsed = new Map<number, number>();
  let sessionsUsed = new Map<string, number>();
  let knownEpoch = 0;
  /** Monotonic milliseconds; undefined while nobody polls, for changes are then made in this process only. */
  let confirmedAt: number | undefined;

  function cached(digest: string): Principal | undefined {
    const entry = verified.get(digest);
    const unconfirmedMs = clock.monotonic() - (confirmedAt ?? clock.monotonic());
    const ttlMs = unconfirmedMs > UNCONFIRMED_TTL_MS ? UNCONFIRMED_TTL_MS : TTL_MS;
    const result = judge(entry, { clock, knownEpoch, ttlMs });
    deps.onCache(result);
    return result === "hit" ? entry!.principal : undefined;
  }

  async function load(token: string, digest: string): Promise<Principal> {
    const askedAt = knownEpoch;
    let entry = await lookUp(token, digest);
    // It may have been read before the change that the newer epoch tells of.
    if ((entry?.principal.epoch ?? askedAt) < knownEpoch) entry = await lookUp(token, digest);
    if (entry === undefined) {
      verified.delete(digest);
      remember(refused, digest, clock.monotonic() + NEGATIVE_TTL_MS, MAX_NEGATIVE_ENTRIES);
      throw new TollgateError("AUTH_INVALID");
    }
    remember(verified, digest, entry, MAX_ENTRIES);
    return entry.principal;
  }

  /** Concurrent callers with the same token share one. */
  function lookUp(token: string, digest: string): Promise<Entry | undefined> {
    return once(loading, digest, () => asStoreUnavailable(verify(token)));
  }

  async function verify(token: string): Promise<Entry | undefined> {
    const parsed = parseKey(token);
    const loadedAt = clock.monotonic();
    if (parsed?.tag === "sk") {
      const key = await verifyApiKey(deps, token, parsed.prefix);
      return key === undefined ? undefined : { ...key, loadedAt };
    }
    if (looksLikeJwt(token)) {
      const claims = await accessTokens.verify(token);
      const session = claims === undefined ? undefined : await findLiveSession(deps, claims);
      return session === undefined ? undefined : { ...session, loadedAt };
    }
    const userId = tokens.userOf(token);
    const user = userId === undefined ? undefined : await findUser(db, userId);
    if (user === undefined || !user.active) return undefined;
    const principal: Principal = {
      userId: user.id,
      role: user.role,
      credential: { kind: "static" },
      plan: deps.planOf(user.plan, user.planLimits),
      overrides: user.overrides,
      epoch: user.epoch,
    };
    return { principal, loadedAt, expiresAtMs: undefined };
  }

  function noticeEpoch(epoch: number): void {
    if (epoch <= knownEpoch) return;
    knownEpoch = epoch;
    // Somebody may have been let in again, and who asks now must not get what was read before.
    refused.clear();
    loading.clear();
  }

  function noteUse(principal: Principal): Principal {
    const { credential, key } = principal;
    if (key !== undefined) keysUsed.set(key.keyId, clock.now());
    if (credential.kind === "session") sessionsUsed.set(credential.sessionId, clock.now());
    return principal;
  }

  return {
    async identify(token, letLookUp) {
      if (token === undefined) throw new TollgateError("AUTH_REQUIRED");
      const digest = hash("sha256", token, "base64");
      if ((refused.get(digest) ?? 0) > clock.monotonic()) {
        deps.onCache("negative");
        throw new TollgateError("AUTH_INVALID");
      }
      const wasGood = verified.has(digest);
      const known = cached(digest);
      if (known !== undefined) return noteUse(known);
      if (!wasGood && letLookUp !== undefined) await once(asking, digest, letLookUp);
      return noteUse(await load(token, digest));
    },
    async identifyAfresh(token, epoch) {
      const digest = hash("sha256", token, "base64");
      verified.delete(digest);
      const principal = await load(token, digest);
      if (principal.epoch >= epoch) return noteUse(principal);
      await asStoreUnavailable(liftEpoch(db, epoch));
      verified.delete(digest);
      return noteUse(await load(token, digest));
    },
    appOf: tokens.appOf,
    noticeEpoch,
    async refreshEpoch() {
      const askedAt = clock.monotonic();
      confirmedAt ??= askedAt;
      noticeEpoch(await readEpoch(db));
      confirmedAt = Math.max(confirmedAt, askedAt);
    },
    async flushLastUse() {
      const [keys, sessions] = [keysUsed, sessionsUsed];
      keysUsed = new Map();
      sessionsUsed = new Map();
      await recordLastUse(db, keys);
      await recordSessionUse(db, sessions);
    },
  };
}

function judge(
  entry: Entry | undefined,
  { clock, knownEpoch, ttlMs }: { clock: Clock; knownEpoch: number; ttlMs: number },
): CacheResult {
  if (entry === undefined) return "miss";
  if (entry.principal.epoch < knownEpoch) return "stale_epoch";
  const hasEnded = entry.expiresAtMs !== undefined && entry.expiresAtMs <= clock.now();
  return hasEnded || entry.loadedAt + ttlMs <= clock.monotonic() ? "expired" : "hit";
}

/** Joins the work that is under way for a key, or begins it. */
function once<T>(underWay: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const begun = underWay.get(key);
  if (begun !== undefined) return begun;
  const started = work().finally(() => underWay.delete(key));
  underWay.set(key, started);
  return started;
}

/** Whoever cannot be looked up is neither known nor unknown. */
function asStoreUnavailable<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw new TollgateError("STORE_UNAVAILABLE", undefined, { cause });
  });
}

/** The oldest entry makes room. */
function remember<V>(cache: Map<string, V>, key: string, value: V, max: number): void {
  if (cache.size >= max) cache.delete(cache.keys().next().value!);
  cache.set(key, value);
}
