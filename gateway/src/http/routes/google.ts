import { z } from "zod";
import { signInWithAccount } from "../../identity/account-sign-in.ts";
import type { IdTokens } from "../../identity/id-token.ts";
import type { SignInDeps } from "../../identity/sign-in.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { Endpoint } from "../endpoint.ts";
import { sourceOf, userAnswer, userJson } from "./accounts.ts";

export type GoogleDeps = SignInDeps & {
  /** Undefined: nobody signs in like this here. */
  readonly idTokens: IdTokens | undefined;
  /** Only accounts of these domains; empty: all. */
  readonly hostedDomains: readonly string[];
  readonly isRegistrationOpen: boolean;
};

const body = z.strictObject({ idToken: z.string().max(16_384), nonce: z.string().max(512).optional() });

/** camelCase, as the origin has it. */
const answer = z.object({
  accessToken: z.string(),
  refreshToken: z.string(),
  tokenType: z.literal("bearer"),
  expiresIn: z.int(),
  user: userAnswer,
});

export function googleRoutes(deps: GoogleDeps): readonly Endpoint[] {
  const { idTokens, hostedDomains } = deps;
  return [
    {
      method: "POST",
      path: "/v1/auth/google",
      summary: "Signs in with an ID token of Google, or of the OpenID Connect issuer in its place.",
      access: { credential: "nobody" },
      body,
      answer,
      async handle(visit) {
        if (idTokens === undefined) throw new TollgateError("NOT_FOUND");
        const { idToken, nonce } = visit.request.body as z.infer<typeof body>;
        const identified = await idTokens.verify(idToken, nonce);
        const isWelcome =
          identified !== undefined &&
          (hostedDomains.length === 0 || hostedDomains.includes(identified.hostedDomain ?? ""));
        if (!isWelcome) throw new TollgateError("AUTH_INVALID");
        const signed = await signInWithAccount(deps, visit.cause(), identified, sourceOf(visit));
        if (signed === undefined) throw new TollgateError("AUTH_INVALID");
        visit.reply.header("cache-control", "no-store");
        return {
          accessToken: signed.accessToken,
          refreshToken: signed.refreshToken,
          tokenType: "bearer",
          expiresIn: signed.expiresInSeconds,
          user: userJson(signed.account),
        };
      },
    },
  ];
}
