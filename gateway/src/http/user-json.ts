import { z } from "zod";
import type { Account } from "../identity/accounts.ts";
import { passwordFault } from "../identity/passwords.ts";
import { isoTime } from "../lib/clock.ts";
import { DEFAULT_PLAN } from "../limits/plan.ts";

export const roleField = z.enum(["admin", "manager", "developer", "viewer"]);
export const newPasswordField = z.string().superRefine((text, context) => {
  const message = passwordFault(text);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

/** A user as it sees itself. */
export const userAnswer = z
  .object({
    id: z.string(),
    email: z.string().nullable(),
    name: z.string(),
    role: roleField,
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

/** A user as administrators and the command line see it. */
export const listedUserAnswer = userAnswer
  .extend({ active: z.boolean(), plan: z.string() })
  .meta({ id: "UserForAdministrators" });

export function listedUserJson(account: Account) {
  return { ...userJson(account), active: account.active, plan: account.plan ?? DEFAULT_PLAN };
}
