import { z } from "zod";
import { isAtLeast } from "../../access/levels.ts";
import { isScope, type Scope, scopes, scopesOfRole } from "../../access/permissions.ts";
import { levelIn } from "../../access/projects.ts";
import { keyFields } from "../../http/key-json.ts";
import type { Account } from "../../identity/accounts.ts";
import { type CommandDeps, UsageError } from "../command.ts";
import { listOf } from "./fields.ts";
import { requirePlan } from "./plan-named.ts";

/** What a key allows, as typed. */
export const policyFields = {
  description: keyFields.description,
  scopes: listOf(z.array(z.string())),
  dailyQuota: z.coerce.number().pipe(keyFields.daily_quota),
  plan: keyFields.plan,
  project: z.coerce.number().pipe(keyFields.project_id),
  expiresAt: keyFields.expires_at,
  allowedModels: listOf(keyFields.allowed_models),
  allowedIps: listOf(keyFields.allowed_ips),
};

/** The same as flags. */
export const policyOptions = [
  ["--description <text>", "more about it"],
  [
    "--scopes <list>",
    "comma-separated scopes, of those that the owner has (a new key: all of them)",
    { listOf: scopes },
  ],
  ["--daily-quota <calls>", "AI calls and jobs per UTC day"],
  ["--plan <name>", "plan whose limits the key has, besides those of its owner"],
  ["--project <id>", "project that pays for the key's calls"],
  ["--expires-at <time>", "ISO 8601 time at which the key ends by itself"],
  ["--allowed-models <list>", "comma-separated models, as provider/model, provider/* or as calls name them"],
  ["--allowed-ips <list>", "comma-separated networks that the key may be used from"],
] as const;

/** The scopes, if the owner has them itself. Throws UsageError. */
export function grantedTo({ id, role }: Account, wanted: readonly string[]): readonly Scope[] {
  const allowed = scopesOfRole[role];
  return wanted.map((scope) => {
    if (!isScope(scope)) throw new UsageError(`there is no scope ${scope}; there are: ${scopes.join(", ")}`);
    if (!allowed.has(scope)) throw new UsageError(`${id} is ${role} and does not have ${scope} itself`);
    return scope;
  });
}

type Wanted = {
  readonly project: number | null | undefined;
  readonly expiresAt: string | null | undefined;
  readonly plan: string | null | undefined;
};

/** Throws UsageError for a project that the owner may not spend in, an end that is over, and a plan that is none. */
export async function requirePossible(
  deps: CommandDeps,
  { id: userId, role }: Account,
  { project, expiresAt, plan }: Wanted,
): Promise<void> {
  const { db, clock } = deps;
  await requirePlan(deps, plan);
  if (expiresAt != null && Date.parse(expiresAt) <= clock.now()) {
    throw UsageError.of([{ path: "expiresAt", message: "must be in the future" }]);
  }
  if (project == null) return;
  const level = await levelIn(db, { userId, role }, project);
  if (level !== undefined && isAtLeast(level, "developer")) return;
  throw new UsageError(`there is no project ${project} that ${userId} may spend in`);
}
