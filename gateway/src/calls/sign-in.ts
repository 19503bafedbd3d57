import { type Account, createAccount, findAccountByEmail } from "../identity/accounts.ts";
import { changePassword } from "../identity/change-account.ts";
import { normalisedEmail } from "../identity/email.ts";
import type { Source } from "../identity/sessions.ts";
import { findCandidate, type SignedIn, type SignInDeps, signInWithPassword } from "../identity/sign-in.ts";
import { type Clock, sleep } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { GiveBack, RegistrationThrottle, SignInThrottle } from "../limits/sign-in.ts";
import type { Cause } from "../telemetry/change.ts";
import { type FailedSignInDeps, noteFailedSignIn } from "./failed-sign-in.ts";

export type ThrottledSignInDeps = SignInDeps & FailedSignInDeps & { readonly signInThrottle: SignInThrottle };

/** No refusal comes sooner: how long it took says nothing about what was looked up or hashed. */
const SHORTEST_REFUSAL_MS = 300;

/**
 * Signs in by e-mail and password. Attempts are counted before anything is hashed; a success gives its own back, and so
 * does one that was never hashed (reference, section 2.4). Throws AUTH_INVALID with the same words whatever was wrong,
 * RATE_LIMITED, OVERLOADED.
 */
export async function signIn(
  deps: ThrottledSignInDeps,
  cause: Cause,
  attempt: { readonly email: string; readonly password: string; readonly source: Source },
): Promise<SignedIn> {
  const { password, source } = attempt;
  const { address } = source;
  const email = normalisedEmail(attempt.email);
  const rest = shortestRefusal(deps.clock);
  const candidate = await findCandidate(deps, email, address);
  const isKnownSource = candidate?.isKnownSource ?? false;
  const giveBack = await deps.signInThrottle
    .reserve({ email, address, isKnownSource })
    .catch((refusal: unknown) => rest().then(() => Promise.reject(refusal)));
  const signedIn = await unlessBusy(
    giveBack,
    signInWithPassword(deps, cause, { candidate, password, source }),
  );
  if (signedIn !== undefined) {
    await giveBack();
    return signedIn;
  }
  await noteFailedSignIn(deps, cause, {
    subject: `email:${email}`,
    userId: candidate?.id,
    reason: "password",
  });
  await rest();
  throw new TollgateError("AUTH_INVALID", undefined, { message: "Email or password is incorrect." });
}

/**
 * Registers a developer. Attempts that find their e-mail taken are counted by address, for each tells that somebody
 * has an account. Throws EMAIL_TAKEN, RATE_LIMITED, OVERLOADED.
 */
export async function register(
  deps: Pick<SignInDeps, "db" | "change" | "clock" | "chance" | "passwords"> & {
    readonly registrationThrottle: RegistrationThrottle;
  },
  cause: Cause,
  wanted: {
    readonly email: string;
    readonly name: string;
    readonly password: string;
    readonly address: string;
  },
): Promise<Account> {
  const { email, name, password, address } = wanted;
  const giveBack = await deps.registrationThrottle.reserve(address);
  // Before anything is hashed: an address that is taken costs no more than a look-up.
  if ((await findAccountByEmail(deps.db, email)) !== undefined) throw new TollgateError("EMAIL_TAKEN");
  const passwordHash = await unlessBusy(giveBack, deps.passwords.hash(password));
  const account = await createAccount(deps, cause, {
    email,
    name,
    role: "developer",
    passwordHash,
    isEmailVerified: false,
  });
  await giveBack();
  return account;
}

/**
 * Changes the password of somebody who is signed in. A wrong current password counts as a failed sign-in: a stolen
 * access token is no way to guess it. Throws VALIDATION_FAILED for it, RATE_LIMITED, OVERLOADED.
 */
export async function changeOwnPassword(
  deps: Pick<SignInDeps, "db" | "clock" | "passwords"> &
    FailedSignInDeps & {
      /** Counts users by their ids, apart from the addresses that anybody may type: strangers lock nobody out. */
      readonly passwordThrottle: SignInThrottle;
    },
  cause: Cause,
  wanted: Parameters<typeof changePassword>[2] & { readonly address: string },
): Promise<void> {
  const { userId, address } = wanted;
  const giveBack = await deps.passwordThrottle.reserve({ email: userId, address, isKnownSource: false });
  if (!(await unlessBusy(giveBack, changePassword(deps, cause, wanted)))) {
    await noteFailedSignIn(deps, cause, { subject: `user:${userId}`, userId, reason: "current password" });
    const faults = [{ path: "current_password", message: "is not the current password" }];
    throw new TollgateError("VALIDATION_FAILED", { faults });
  }
  await giveBack();
}

/** An attempt that found no place to be hashed has guessed nothing: it is given back. */
async function unlessBusy<T>(giveBack: GiveBack, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof TollgateError && error.code === "OVERLOADED") await giveBack();
    throw error;
  }
}

/** Waits for what is then left of the time that a refusal takes at least. */
function shortestRefusal(clock: Clock): () => Promise<void> {
  const endsAt = clock.monotonic() + SHORTEST_REFUSAL_MS;
  return async () => {
    const left = endsAt - clock.monotonic();
    if (left > 0) await sleep(clock, left);
  };
}
