import { z } from "zod";
import { adjustableLimits, limitsOfUser, resetLimits } from "../../calls/user-limits.ts";
import { limitAmount } from "../../config/file.ts";
import { dailyCosts } from "../../costs/reports.ts";
import { type LimitsJson, limitsJson } from "../../http/limit-json.ts";
import { overrideLimits } from "../../identity/override-limits.ts";
import { utcDay } from "../../lib/clock.ts";
import type { LimitId } from "../../limits/policies.ts";
import { type CommandDeps, dataCommand, type Shown } from "../command.ts";
import { amount, table } from "../table.ts";
import { inServer } from "./in-server.ts";
import { userNamed } from "./user-named.ts";

type UserLimitsJson = LimitsJson & {
  readonly user_id: string;
  /** What the user's own calls of this UTC day have used, as billed. */
  readonly today: {
    readonly day: string;
    readonly calls: number;
    readonly total_tokens: number;
    readonly cost_usd: string;
  };
};

const limitId = z.string().transform((text, context): LimitId => {
  const known = adjustableLimits.find((id) => id === text);
  if (known === undefined)
    context.addIssue(`is no limit of a user; there are: ${adjustableLimits.join(", ")}`);
  return known ?? z.NEVER;
});

const show = dataCommand({
  name: "limits show",
  about: "Show the limits of a user and the user's keys, what is left of them, and what was used today.",
  arguments: ["user"],
  input: z.strictObject({ user: z.string() }),
  run: async (deps, { user }) => limitsFor(deps, (await userNamed(deps, user)).id),
  show: shown,
});

const set = dataCommand({
  name: "limits set",
  about: "Set a limit for one user; the limit none takes it back.",
  arguments: ["user", ["id", adjustableLimits], "limit"],
  input: z.strictObject({
    user: z.string(),
    id: limitId,
    limit: z.union([
      z.literal("none").transform(() => null),
      z.string().regex(/^\d+$/).transform(Number).pipe(limitAmount),
    ]),
  }),
  async run(deps, { user, id, limit }) {
    const { id: userId } = await userNamed(deps, user);
    await overrideLimits(deps, deps.by.cause, userId, { [id]: limit });
    return limitsFor(deps, userId);
  },
  show: shown,
});

const reset = dataCommand({
  name: "limits reset",
  about: "Let a user's limits begin anew, or the one named.",
  arguments: ["user", ["[id]", adjustableLimits]],
  input: z.strictObject({ user: z.string(), id: limitId.optional() }),
  async run(deps, { user, id }) {
    const { id: userId } = await userNamed(deps, user);
    inServer(deps.counters, `POST /admin/users/${userId}/limits/reset`);
    await resetLimits(deps, deps.by.cause, userId, id);
    return limitsFor(deps, userId);
  },
  show: shown,
});

async function limitsFor(deps: CommandDeps, userId: string): Promise<UserLimitsJson> {
  const limits = limitsJson(await limitsOfUser(deps, userId));
  const { day, totals } = await dailyCosts(deps.db, userId, utcDay(deps.clock.now()));
  const { calls, total_tokens, estimated_cost_usd: cost_usd } = totals;
  return { user_id: userId, ...limits, today: { day, calls, total_tokens, cost_usd } };
}

function shown({ user_id, plan, limits, cooldowns, today }: UserLimitsJson): Shown {
  const { day, calls, total_tokens, cost_usd } = today;
  const rows = limits.map(({ id, scope, shape, window_seconds, limit, used, remaining, reset_at, mode }) => [
    id,
    scope,
    shape === "lease" ? "at a time" : periodOf(window_seconds),
    String(limit),
    String(used ?? "?"),
    String(remaining ?? "?"),
    used === 0 ? "-" : (reset_at ?? "?"),
    mode,
  ]);
  const amounts = ["ALLOWED", "USED", "LEFT"].map(amount);
  const text = [
    `User ${user_id} has the plan ${plan}. On ${day} (UTC): ${calls} calls, ${total_tokens} tokens, ${cost_usd} USD.`,
    table(["LIMIT", "OF", "PER", ...amounts, "FULL AGAIN", "MODE"], rows),
    table(
      ["COOLDOWN", "OF", "UNTIL", "WHY"],
      cooldowns.map(({ kind, subject, until, reason }) => [kind, subject, until, reason]),
    ),
  ];
  const isPartial = limits.some(({ used }) => used === null);
  if (isPartial) return { text, note: `${PARTIAL} GET /admin/users/${user_id}/limits.` };
  return cooldowns.length === 0 ? { text } : { text, note: ENDS_COOLDOWNS };
}

function periodOf(seconds: number): string {
  const [name] = Object.entries(periods).find(([, length]) => length === seconds) ?? [];
  return name ?? `${seconds} s`;
}

const periods = { minute: 60, hour: 3_600, day: 86_400 };
const ENDS_COOLDOWNS = "tollgate cooldowns end KIND SUBJECT ends a cooldown.";
const PARTIAL = "Only today's quotas are known here, from the database; the server holds the other counters:";

export const limitCommands = [show, set, reset];
