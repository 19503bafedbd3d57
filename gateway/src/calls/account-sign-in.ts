import { signInWithAccount } from "../identity/account-sign-in.ts";
import type { IdTokens } from "../identity/id-token.ts";
import type { Source } from "../identity/sessions.ts";
import type { SignedIn, SignInDeps } from "../identity/sign-in.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Cause } from "../telemetry/change.ts";
import { type FailedSignInDeps, noteFailedSignIn } from "./failed-sign-in.ts";

export type AccountSignInDeps = SignInDeps &
  FailedSignInDeps & {
    /** Only accounts of these domains; empty: all. */
    readonly hostedDomains: readonly string[];
    readonly isRegistrationOpen: boolean;
  };

/**
 * Signs in by an ID token. Throws AUTH_INVALID with the same words whatever was wrong, ACCOUNT_EXISTS, FORBIDDEN if
 * registration is closed, PROVIDER_UNAVAILABLE while the issuer's keys could never be read.
 */
export async function signInByIdToken(
  deps: AccountSignInDeps & { readonly idTokens: IdTokens },
  cause: Cause,
  attempt: { readonly idToken: string; readonly nonce: string | undefined; readonly source: Source },
): Promise<SignedIn> {
  const { idToken, nonce, source } = attempt;
  try {
    const identified = await deps.idTokens.verify(idToken, nonce);
    const isWelcome =
      deps.hostedDomains.length === 0 || deps.hostedDomains.includes(identified?.hostedDomain ?? "");
    const signedIn =
      identified !== undefined && isWelcome
        ? await signInWithAccount(deps, cause, identified, source)
        : undefined;
    if (signedIn === undefined) throw new TollgateError("AUTH_INVALID");
    return signedIn;
  } catch (error) {
    if (error instanceof TollgateError && refusals.has(error.code)) {
      const subject = `id token:${source.address}`;
      await noteFailedSignIn(deps, cause, { subject, userId: undefined, reason: `id token: ${error.code}` });
    }
    throw error;
  }
}

const refusals: ReadonlySet<string> = new Set(["AUTH_INVALID", "ACCOUNT_EXISTS", "FORBIDDEN"]);
