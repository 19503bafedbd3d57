import { TollgateError } from "../lib/errors.ts";
import { type Counters, CountersUnavailable, type Dimension, type Taken } from "./limit.ts";

/** How many failed sign-ins each limit allows per window; undefined limits nothing, 0 refuses every attempt. */
export type SignInRules = {
  readonly windowMs: number;
  readonly perEmailAndAddress: number | undefined;
  readonly perAddress: number | undefined;
  readonly perEmail: number | undefined;
};

export type SignInAttempt = {
  /** Normalised: as users are looked up by it. */
  readonly email: string;
  readonly address: string;
  /** This account has signed in from here lately: strangers who try its e-mail do not lock out its owner. */
  readonly isKnownSource: boolean;
};

/** Returns what an attempt took, for one that was no wrong guess. Counters that are away do not make it fail. */
export type GiveBack = () => Promise<void>;

export type ThrottleDeps = {
  readonly counters: Counters;
  /** Counters of this process, which refuse as strictly while `counters` is away, whatever other limits then do. */
  readonly fallback: Counters;
  /** Stable, one-way name of an address: state outside the process never holds addresses. */
  readonly subjectOfAddress: (address: string) => string;
};

export type SignInThrottle = {
  /** Takes every limit of the attempt or none, and throws RATE_LIMITED. Comes before any hashing. */
  reserve(attempt: SignInAttempt): Promise<GiveBack>;
};

export function signInThrottle(
  deps: ThrottleDeps & {
    readonly rules: SignInRules;
    readonly subjectOfEmail: (email: string) => string;
  },
): SignInThrottle {
  const { perEmailAndAddress, perAddress, perEmail, windowMs } = deps.rules;
  return {
    reserve({ email, address, isKnownSource }) {
      const emailSubject = deps.subjectOfEmail(email);
      const addressSubject = deps.subjectOfAddress(address);
      return reserve(deps, [
        ...attempts("login-email-address", `${emailSubject}.${addressSubject}`, perEmailAndAddress, windowMs),
        ...attempts("login-address", addressSubject, perAddress, windowMs),
        ...attempts("login-email", emailSubject, isKnownSource ? undefined : perEmail, windowMs),
      ]);
    },
  };
}

export type RegistrationThrottle = {
  /** As for sign-ins. What stays taken are the attempts that found their e-mail taken. */
  reserve(address: string): Promise<GiveBack>;
};

/** `perAddress` per hour; undefined limits nothing, 0 refuses every attempt. */
export function registrationThrottle(
  deps: ThrottleDeps & { readonly perAddress: number | undefined },
): RegistrationThrottle {
  return {
    reserve: (address) =>
      reserve(deps, attempts("register-address", deps.subjectOfAddress(address), deps.perAddress, HOUR_MS)),
  };
}

/** For those who ask whether an e-mail address has an account: what stays taken are the attempts that found none. */
export type LookupThrottle = { reserve(userId: string): Promise<GiveBack> };

/** `perUser` per hour. */
export function lookupThrottle(deps: Stores & { readonly perUser: number }): LookupThrottle {
  return { reserve: (userId) => reserve(deps, attempts("lookup-user", userId, deps.perUser, HOUR_MS)) };
}

const HOUR_MS = 3_600_000;

function attempts(
  id: string,
  subject: string,
  limit: number | undefined,
  windowMs: number,
): readonly Dimension[] {
  if (limit === undefined) return [];
  return [{ id, shape: "window", key: `${id}:${subject}`, limit, windowMs, cost: 1, capacity: 0 }];
}

async function reserve(stores: Stores, windows: readonly Dimension[]): Promise<GiveBack> {
  const { decidedBy, taken } = await decide(stores, windows);
  if (!taken.allowed) throw refusal(windows, taken);
  let isGivenBack = false;
  return async () => {
    if (isGivenBack) return;
    isGivenBack = true;
    try {
      await decidedBy.giveBack(windows, taken);
    } catch (error) {
      // What cannot be returned stays counted: one too many, never one too few.
      if (!(error instanceof CountersUnavailable)) throw error;
    }
  };
}

type Stores = Pick<ThrottleDeps, "counters" | "fallback">;

async function decide({ counters, fallback }: Stores, windows: readonly Dimension[]) {
  try {
    return { decidedBy: counters, taken: await counters.take(windows, true) };
  } catch (error) {
    if (!(error instanceof CountersUnavailable)) throw error;
    return { decidedBy: fallback, taken: await fallback.take(windows, true) };
  }
}

/** Names the first limit that refused, and the longest wait: of a limit of 0 its whole window. */
function refusal(windows: readonly Dimension[], { now, judgements }: Taken): TollgateError {
  const refusing = windows
    .map(({ id }, i) => ({ id, ...judgements[i]! }))
    .filter(({ verdict }) => verdict === "exceeded");
  const retryAfterMs = Math.max(...refusing.map(({ resetMs }) => resetMs));
  const resetAtMs = now + retryAfterMs;
  return new TollgateError("RATE_LIMITED", { limit: refusing[0]!.id, retryAfterMs, resetAtMs });
}
