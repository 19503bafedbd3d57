import { z } from "zod";
import {
  adjustableLimits,
  limitsOfCaller,
  limitsOfUser,
  resetLimits,
  type UserLimitDeps,
} from "../../calls/user-limits.ts";
import { limitAmount } from "../../config/file.ts";
import { overrideLimits } from "../../identity/override-limits.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { LimitId } from "../../limits/policies.ts";
import type { Change } from "../../telemetry/change.ts";
import type { Endpoint } from "../endpoint.ts";
import { plainText } from "../fields.ts";
import { limitsJson, limitsShape } from "../limit-json.ts";

export type LimitDeps = UserLimitDeps & { readonly change: Change };

const params = z.object({ id: plainText.max(64) });
const changeBody = z.strictObject({ overrides: z.record(z.string(), limitAmount.nullable()) });
const resetBody = z.strictObject({ id: z.string().optional() }).nullish();
const admin = { credential: "caller", scope: "admin:*", class: "manage" } as const;

/** Limits as callers see their own, and as administrators adjust those of users (A7). */
export function limitRoutes(deps: LimitDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/v1/limits",
      summary: "Every limit that can meet this caller, and what is left of it.",
      access: { credential: "caller", scope: "limits:read", class: "manage" },
      answer: limitsShape,
      handle: async ({ visitor }) => limitsJson(await limitsOfCaller(deps, visitor)),
    },
    {
      method: "GET",
      path: "/admin/users/:id/limits",
      summary: "The limits of a user and of the user's keys, and what is left of them.",
      access: admin,
      params,
      answer: limitsShape,
      handle: async ({ request }) => limitsJson(await limitsOfUser(deps, userOf(request.params))),
    },
    {
      method: "PATCH",
      path: "/admin/users/:id/limits",
      summary: "Sets limits for one user in place of those of plan and settings; null takes one back.",
      access: admin,
      params,
      body: changeBody,
      answer: limitsShape,
      async handle({ request, cause }) {
        const { overrides } = request.body as z.infer<typeof changeBody>;
        for (const id of Object.keys(overrides)) adjustableAt(`overrides.${id}`, id);
        await overrideLimits(deps, cause(), userOf(request.params), overrides);
        return limitsJson(await limitsOfUser(deps, userOf(request.params)));
      },
    },
    {
      method: "POST",
      path: "/admin/users/:id/limits/reset",
      summary: "A user's limits begin anew, or the one named; calls under way still count.",
      access: admin,
      params,
      body: resetBody,
      answer: limitsShape,
      async handle({ request, cause }) {
        const { id } = (request.body as z.infer<typeof resetBody>) ?? {};
        const wanted = id === undefined ? undefined : adjustableAt("id", id);
        await resetLimits(deps, cause(), userOf(request.params), wanted);
        return limitsJson(await limitsOfUser(deps, userOf(request.params)));
      },
    },
  ];
}

function userOf(given: unknown): string {
  return (given as z.infer<typeof params>).id;
}

function adjustableAt(path: string, id: string): LimitId {
  const known = adjustableLimits.find((one) => one === id);
  if (known !== undefined) return known;
  const message = `is no limit of a user; there are: ${adjustableLimits.join(", ")}`;
  throw new TollgateError("VALIDATION_FAILED", { faults: [{ path, message }] });
}
