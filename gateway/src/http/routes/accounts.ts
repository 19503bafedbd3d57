import { z } from "zod";
import { changeOwnPassword, register, signIn, type ThrottledSignInDeps } from "../../calls/sign-in.ts";
import { findAccount, registrationClosed } from "../../identity/accounts.ts";
import { emailForm } from "../../identity/email.ts";
import { revokeSessions } from "../../identity/sessions.ts";
import { refresh, type SignedIn } from "../../identity/sign-in.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { RegistrationThrottle, SignInThrottle } from "../../limits/sign-in.ts";
import type { Endpoint, Visit } from "../endpoint.ts";
import { nameText, plainText } from "../fields.ts";
import { sourceOf } from "../source.ts";
import { newPasswordField, userAnswer, userJson } from "../user-json.ts";

export type AccountDeps = ThrottledSignInDeps & {
  readonly registrationThrottle: RegistrationThrottle;
  readonly passwordThrottle: SignInThrottle;
  readonly isRegistrationOpen: boolean;
};

const signedInAnswer = z
  .object({
    access_token: z.string(),
    token_type: z.literal("bearer"),
    expires_in: z.int(),
    refresh_token: z.string(),
    user: userAnswer,
  })
  .meta({ id: "SignedIn" });

function signedInJson({ account, accessToken, expiresInSeconds, refreshToken }: SignedIn) {
  return {
    access_token: accessToken,
    token_type: "bearer",
    expires_in: expiresInSeconds,
    refresh_token: refreshToken,
    user: userJson(account),
  };
}

const registerBody = z.strictObject({ email: emailForm, name: nameText, password: newPasswordField });
const loginBody = z.strictObject({ email: plainText.max(254), password: z.string().max(4096) });
const refreshBody = z
  .strictObject({
    refresh_token: z.string().max(4096).optional(),
    refreshToken: z.string().max(4096).optional(),
  })
  .refine((body) => (body.refresh_token ?? body.refreshToken) !== undefined, {
    path: ["refresh_token"],
    message: "is missing",
  });
const passwordBody = z.strictObject({
  current_password: z.string().max(4096),
  new_password: newPasswordField,
});

const anyone = { credential: "nobody" } as const;
const identified = { credential: "caller", scope: "none", class: "manage" } as const;
const signedIn = { ...identified, signedIn: true } as const;

/** Accounts and the sessions they open (I3 to I6). */
export function accountRoutes(deps: AccountDeps): readonly Endpoint[] {
  return [
    {
      method: "POST",
      path: "/auth/register",
      summary: "Makes an account with the role developer.",
      access: { ...anyone, coolsDown: true },
      body: registerBody,
      answer: z.object({ user: userAnswer }),
      answerStatus: 201,
      async handle({ request, address, cause }) {
        if (!deps.isRegistrationOpen) throw registrationClosed();
        const wanted = request.body as z.infer<typeof registerBody>;
        return { user: userJson(await register(deps, cause(), { ...wanted, address })) };
      },
    },
    {
      method: "POST",
      path: "/auth/login",
      summary: "Signs in by e-mail and password.",
      access: anyone,
      priority: "reserved",
      body: loginBody,
      answer: signedInAnswer,
      async handle({ request, reply, address, cause }) {
        const sent = request.body as z.infer<typeof loginBody>;
        const signed = await signIn(deps, cause(), { ...sent, source: sourceOf(request, address) });
        reply.header("cache-control", "no-store");
        return signedInJson(signed);
      },
    },
    {
      method: "POST",
      path: "/auth/refresh",
      summary: "Trades a refresh token for its successor and a fresh access token.",
      access: anyone,
      priority: "reserved",
      body: refreshBody,
      answer: signedInAnswer,
      async handle({ request, reply, cause }) {
        const body = request.body as z.infer<typeof refreshBody>;
        const signed = await refresh(deps, cause(), (body.refresh_token ?? body.refreshToken)!);
        if (signed === undefined) throw new TollgateError("AUTH_INVALID");
        reply.header("cache-control", "no-store");
        return signedInJson(signed);
      },
    },
    {
      method: "GET",
      path: "/auth/me",
      alsoAt: ["/v1/auth/me"],
      summary: "Who is calling.",
      access: identified,
      answer: userAnswer,
      async handle({ visitor }) {
        const account = await findAccount(deps.db, visitor.principal.userId);
        if (account === undefined) throw new TollgateError("AUTH_INVALID");
        return userJson(account);
      },
    },
    {
      method: "POST",
      path: "/auth/logout",
      summary: "Ends this session; its tokens are refused from the next request on.",
      access: signedIn,
      answerStatus: 204,
      async handle({ visitor, cause }) {
        const { userId } = visitor.principal;
        await revokeSessions(deps, cause(), userId, { only: sessionOf(visitor) });
      },
    },
    {
      method: "POST",
      path: "/auth/password",
      summary: "Changes the password; every other session ends.",
      access: signedIn,
      body: passwordBody,
      answerStatus: 204,
      async handle({ request, visitor, address, cause }) {
        const { current_password, new_password } = request.body as z.infer<typeof passwordBody>;
        await changeOwnPassword(deps, cause(), {
          userId: visitor.principal.userId,
          sessionId: sessionOf(visitor),
          currentPassword: current_password,
          newPassword: new_password,
          address,
        });
      },
    },
  ];
}

/** The session of an endpoint that only signed-in people reach. */
export function sessionOf({ principal }: Visit["visitor"]): string {
  return principal.credential.kind === "session" ? principal.credential.sessionId : "";
}
