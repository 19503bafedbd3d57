import { z } from "zod";
import { changeOwnPassword, register, signIn, type ThrottledSignInDeps } from "../../calls/sign-in.ts";
import { type Account, findAccount } from "../../identity/accounts.ts";
import { passwordFault } from "../../identity/passwords.ts";
import { revokeSessions } from "../../identity/sessions.ts";
import { refresh, type SignedIn } from "../../identity/sign-in.ts";
import { isoTime } from "../../lib/clock.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { RegistrationThrottle } from "../../limits/sign-in.ts";
import type { Endpoint, Visit } from "../endpoint.ts";
import { nameText, plainText } from "../fields.ts";

export type AccountDeps = ThrottledSignInDeps & {
  readonly registrationThrottle: RegistrationThrottle;
  readonly isRegistrationOpen: boolean;
};

export const emailField = z.email().max(254);
export const newPasswordField = z.string().superRefine((text, context) => {
  const message = passwordFault(text);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

export const userAnswer = z
  .object({
    id: z.string(),
    email: z.string().nullable(),
    name: z.string(),
    role: z.enum(["admin", "manager", "developer", "viewer"]),
    created_at: z.string(),
    last_login_at: z.string().nullable(),
  })
  .meta({ id: "User" });

export function userJson({ id, email, name, role, createdAt, lastLoginAt }: Account) {
  return {
    id,
    email,
    name,
    role,
    created_at: isoTime(createdAt.getTime()),
    last_login_at: lastLoginAt === null ? null : isoTime(lastLoginAt.getTime()),
  };
}

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

const registerBody = z.strictObject({ email: emailField, name: nameText, password: newPasswordField });
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
      access: anyone,
      body: registerBody,
      answer: z.object({ user: userAnswer }),
      answerStatus: 201,
      async handle({ request, address, cause }) {
        if (!deps.isRegistrationOpen) {
          throw new TollgateError("FORBIDDEN", undefined, {
            message: "Registration is closed here. Ask an administrator for an account.",
          });
        }
        const wanted = request.body as z.infer<typeof registerBody>;
        return { user: userJson(await register(deps, cause(), { ...wanted, address })) };
      },
    },
    {
      method: "POST",
      path: "/auth/login",
      summary: "Signs in by e-mail and password.",
      access: anyone,
      body: loginBody,
      answer: signedInAnswer,
      async handle(visit) {
        const { email, password } = visit.request.body as z.infer<typeof loginBody>;
        const signed = await signIn(deps, visit.cause(), { email, password, source: sourceOf(visit) });
        visit.reply.header("cache-control", "no-store");
        return signedInJson(signed);
      },
    },
    {
      method: "POST",
      path: "/auth/refresh",
      summary: "Trades a refresh token for its successor and a fresh access token.",
      access: anyone,
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

export function sourceOf({ request, address }: Visit) {
  return { address, userAgent: request.headers["user-agent"]?.slice(0, 256) };
}

/** The session of an endpoint that only signed-in people reach. */
export function sessionOf({ principal }: Visit["visitor"]): string {
  return principal.credential.kind === "session" ? principal.credential.sessionId : "";
}
