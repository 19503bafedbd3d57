import type { Principal } from "../identity/principal.ts";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { AppliedLimit } from "./admit.ts";
import type { Mode } from "./applicable.ts";
import { type Counters, CountersUnavailable, type Dimension, type Taken } from "./limit.ts";
import { isLimitId, policies } from "./policies.ts";

/** What repeated refusals look like (A6). */
export const signs = ["invalidCredential", "validationFailure", "notFound", "hammering"] as const;
export type Sign = (typeof signs)[number];

/** So many signs within the window start a cooldown; undefined: none does. */
export type AbuseRule = {
  readonly threshold: number | undefined;
  readonly windowMs: number;
  readonly baseMs: number;
};

export type AbuseRules = {
  readonly mode: Mode;
  readonly perSign: Readonly<Record<Sign, AbuseRule>>;
  readonly longestMs: number;
  /** Credentials that are not cached and have to be looked up, per address and minute. */
  readonly lookUpsPerMinute: number | undefined;
};

/**
 * Whose cooldown it is: a key's chain, a user, or an address by its one-way name. As `address` it is held from looking
 * up credentials, as `guest` from what anybody may ask: nobody keeps a neighbour's credential out by senseless requests.
 */
export type Culprit = { readonly kind: (typeof culpritKinds)[number]; readonly id: string };
export const culpritKinds = ["key", "user", "address", "guest"] as const;

export type Abuse = {
  /**
   * Before a credential is looked up: an address that has shown too many bad ones gets one look-up per second. Cached
   * identities never come here, so an office with one bad client goes on. Throws COOLDOWN or RATE_LIMITED.
   */
  letLookUp(address: string): Promise<void>;
  /** For what anybody may ask without a credential. Throws COOLDOWN. */
  letAsk(address: string): Promise<void>;
  /** Counts a refusal against whoever earned it, in the background. */
  note(sign: Sign, by: Refused): void;
};

export type Refused = {
  readonly principal: Principal | undefined;
  readonly address: string;
  /** The limit that refused. */
  readonly limit?: string | undefined;
  /** When it was asked, monotonic milliseconds. */
  readonly askedAt: number;
};

/** By then a client has read the refusal, and sent what it had queued. */
const HEARD_MS = 2_000;
/** Culprits whose first refusal is remembered. */
const MAX_TOLD = 10_000;

export function abuse(deps: {
  readonly clock: Clock;
  readonly counters: Counters;
  /** Counters of this process, which refuse as strictly while `counters` is away. */
  readonly fallback: Counters;
  readonly rules: AbuseRules;
  readonly subjectOfAddress: (address: string) => string;
  readonly onStarted: (sign: Sign, culprit: Culprit, untilMs: number) => void;
  readonly onTrouble: (error: unknown) => void;
}): Abuse {
  const { rules, fallback, subjectOfAddress } = deps;
  const isOff = rules.mode === "off";

  /** A burst is no hammering: what a client asks after it was told to wait, and had time to hear it, is. */
  const toldAt = new Map<string, number>();
  function wasTold(culprit: Culprit, askedAt: number): boolean {
    const key = holdKeyOf(culprit);
    const now = deps.clock.monotonic();
    const told = toldAt.get(key);
    if (told !== undefined && now - told < rules.perSign.hammering.windowMs) return askedAt > told + HEARD_MS;
    toldAt.delete(key);
    if (toldAt.size >= MAX_TOLD) toldAt.delete(toldAt.keys().next().value!);
    toldAt.set(key, now);
    return false;
  }

  async function take(dimensions: readonly Dimension[]): Promise<Taken> {
    try {
      return await deps.counters.take(dimensions, true);
    } catch (error) {
      if (!(error instanceof CountersUnavailable)) throw error;
      return fallback.take(dimensions, true);
    }
  }

  async function strike(sign: Sign, culprit: Culprit): Promise<void> {
    const { threshold, windowMs, baseMs } = rules.perSign[sign];
    if (threshold === undefined) return;
    const strike = {
      windowKey: `sign-${sign}:${culprit.kind}:${culprit.id}`,
      holdKey: holdKeyOf(culprit),
      threshold,
      windowMs,
      baseMs,
      capMs: rules.longestMs,
    };
    // Both count: what this process has seen holds here while the shared counters are away.
    const local = fallback === deps.counters ? undefined : await fallback.strike(strike);
    const { until, started } = await deps.counters.strike(strike).catch((error: unknown) => {
      if (local === undefined || !(error instanceof CountersUnavailable)) throw error;
      return local;
    });
    if (started) deps.onStarted(sign, culprit, until);
  }

  return {
    async letLookUp(address) {
      const of = subjectOfAddress(address);
      const limits = isOff ? [] : [addressHold(of)];
      if (rules.lookUpsPerMinute !== undefined)
        limits.push(lookUps("ip-look-ups", of, rules.lookUpsPerMinute));
      if (limits.length === 0) return;
      const taken = await take(limits);
      if (taken.allowed) return;
      const hold = isOff ? undefined : taken.judgements[0];
      if (hold?.verdict !== "exceeded")
        throw refusal("RATE_LIMITED", "ip-look-ups", taken, taken.judgements.at(-1)!.retryMs);
      if (rules.mode === "report") return;
      const trickle = await take([{ ...lookUps("ip-look-ups-held", of, 60), capacity: 1 }]);
      if (!trickle.allowed) throw refusal("COOLDOWN", "address-cooldown", taken, hold.retryMs);
    },
    async letAsk(address) {
      if (rules.mode !== "enforce") return;
      const of = subjectOfAddress(address);
      const taken = await take([addressHold(of), addressHold(of, "guest")]);
      const waits = taken.judgements.map(({ retryMs }) => retryMs);
      if (!taken.allowed) throw refusal("COOLDOWN", "address-cooldown", taken, Math.max(...waits));
    },
    note(sign, by) {
      if (isOff) return;
      const culprit = culpritOf(sign, by, subjectOfAddress(by.address));
      if (sign === "hammering" && !wasTold(culprit, by.askedAt)) return;
      strike(sign, culprit).catch(deps.onTrouble);
    },
  };
}

/**
 * Who earned it: the credential that asked, so never the key of an app beside its user. Who is refused for what an
 * address used up has done nothing.
 */
function culpritOf(sign: Sign, { principal, limit }: Refused, addressSubject: string): Culprit {
  if (sign === "invalidCredential") return { kind: "address", id: addressSubject };
  const isOfAddress = limit !== undefined && isLimitId(limit) && policies[limit].scope === "address";
  if (principal === undefined || isOfAddress) return { kind: "guest", id: addressSubject };
  const { userId, key, credential } = principal;
  return credential.kind === "key" && key !== undefined
    ? { kind: "key", id: String(key.quotaGroup) }
    : { kind: "user", id: userId };
}

/** The same key that the limits `key-cooldown` and `user-cooldown` read. */
export function holdKeyOf({ kind, id }: Culprit): string {
  return `${kind}-cooldown:${id}`;
}

function addressHold(of: string, kind: "address" | "guest" = "address"): Dimension {
  const key = holdKeyOf({ kind, id: of });
  return { id: "address-cooldown", shape: "hold", key, limit: 1, windowMs: 1, cost: 1, capacity: 0 };
}

function lookUps(id: string, of: string, perMinute: number): Dimension {
  return {
    id,
    shape: "bucket",
    key: `${id}:${of}`,
    limit: perMinute,
    windowMs: 60_000,
    cost: 1,
    capacity: perMinute,
  };
}

function refusal(
  code: Extract<AppliedLimit["code"], "COOLDOWN" | "RATE_LIMITED">,
  limit: string,
  { now }: Taken,
  retryMs: number,
): TollgateError {
  const retryAfterMs = Math.max(1, retryMs);
  return new TollgateError(code, { limit, retryAfterMs, resetAtMs: now + retryAfterMs });
}
