import { z } from "zod";
import { type AccountSignInDeps, signInByIdToken } from "../../calls/account-sign-in.ts";
import type { IdTokens } from "../../identity/id-token.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { Endpoint } from "../endpoint.ts";
import { sourceOf } from "../source.ts";
import { userAnswer, userJson } from "../user-json.ts";

export type GoogleDeps = AccountSignInDeps & {
  /** Undefined: nobody signs in like this here, and the endpoint does not exist. */
  readonly idTokens: IdTokens | undefined;
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
  const { idTokens } = deps;
  return [
    {
      method: "POST",
      path: "/v1/auth/google",
      summary: "Signs in with an ID token of Google, or of the OpenID Connect issuer in its place.",
      access: { credential: "nobody", coolsDown: true },
      priority: "reserved",
      body,
      answer,
      exists: idTokens !== undefined,
      async handle({ request, reply, address, cause }) {
        if (idTokens === undefined) throw new TollgateError("NOT_FOUND");
        const { idToken, nonce } = request.body as z.infer<typeof body>;
        const attempt = { idToken, nonce, source: sourceOf(request, address) };
        const signed = await signInByIdToken({ ...deps, idTokens }, cause(), attempt);
        reply.header("cache-control", "no-store");
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
