import { z } from "zod";
import { adjustableLimits, limitsOfUser, resetLimits } from "../../calls/user-limits.ts";
import { limitAmount } from "../../config/file.ts";
import { type LimitsJson, limitsJson } from "../../http/limit-json.ts";
import { overrideLimits } from "../../identity/override-limits.ts";
import type { LimitId } from "../../limits/policies.ts";
import { type CommandDeps, dataCommand, type Shown, table } from "../command.ts";
import { accountOf } from "./users.ts";

type UserLimitsJson = LimitsJson & { readonly user_id: string };

const limitId = z.string().transform((text, context): LimitId => {
  const known = adjustableLimits.find((id) => id === text);
  if (known === undefined)
    context.addIssue(`is no limit of a user; there are: ${adjustableLimits.join(", ")}`);
  return known ?? z.NEVER;
});

const show = dataCommand({
  name: "limits show",
  about: "Show the limits of a user and the user's keys, and what is left.",
  arguments: ["user"],
  input: z.strictObject({ user: z.string() }),
  run: async (deps, { user }) => limitsFor(deps, (await accountOf(deps, user)).id),
  show: shown,
});

const set = dataCommand({
  name: "limits set",
  about: "Set a limit for one user; the limit none takes it back.",
  arguments: ["user", "id", "limit"],
  input: z.strictObject({
    user: z.string(),
    id: limitId,
    limit: z.union([
      z.literal("none").transform(() => null),
      z.string().regex(/^\d+$/).transform(Number).pipe(limitAmount),
    ]),
  }),
  async run(deps, { user, id, limit }) {
    const { id: userId } = await accountOf(deps, user);
    await overrideLimits(deps, deps.by.cause, userId, { [id]: limit });
    return limitsFor(deps, userId);
  },
  show: shown,
});

const reset = dataCommand({
  name: "limits reset",
  about: "Let a user's limits begin anew, or the one named.",
  arguments: ["user", "[id]"],
  input: z.strictObject({ user: z.string(), id: limitId.optional() }),
  async run(deps, { user, id }) {
    const { id: userId } = await accountOf(deps, user);
    if (deps.counters === undefined) {
      throw new Error(`The server holds the counters: POST /admin/users/${userId}/limits/reset resets them.`);
    }
    await resetLimits(deps, deps.by.cause, userId, id);
    return limitsFor(deps, userId);
  },
  show: shown,
});

async function limitsFor(deps: CommandDeps, userId: string): Promise<UserLimitsJson> {
  return { user_id: userId, ...limitsJson(await limitsOfUser(deps, userId)) };
}

function shown({ user_id, plan, limits, cooldowns }: UserLimitsJson): Shown {
  const rows = limits.map(({ id, scope, limit, used, remaining, reset_at, mode }) => [
    id,
    scope,
    String(limit),
    String(used ?? "?"),
    String(remaining ?? "?"),
    reset_at ?? "?",
    mode,
  ]);
  const text = [
    `User ${user_id} has the plan ${plan}.`,
    table(["LIMIT", "SCOPE", "ALLOWED", "USED", "LEFT", "FULL AGAIN", "MODE"], rows),
    ...cooldowns.map(({ kind, subject, until }) => `The ${kind} ${subject} cools down until ${until}.`),
  ].join("\n");
  const isPartial = limits.some(({ used }) => used === null);
  return isPartial ? { text, note: `${PARTIAL} GET /admin/users/${user_id}/limits.` } : { text };
}

const PARTIAL = "Only today's quotas are known here, from the database; the server holds the other counters:";

export const limitCommands = [show, set, reset];
