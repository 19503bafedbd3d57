import { z } from "zod";
import { heldUntil } from "../../calls/cooldowns.ts";
import { findApiKey } from "../../identity/api-keys.ts";
import { revokeLeakedKeys } from "../../identity/leaked-keys.ts";
import type { Peppers } from "../../identity/verify-key.ts";
import { type Clock, DAY_MS, isoTime, utcDay } from "../../lib/clock.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { Counters } from "../../limits/limit.ts";
import type { Cause, Change } from "../../telemetry/change.ts";
import type { Endpoint } from "../endpoint.ts";
import { plainText } from "../fields.ts";
import { keyJson, keyShape } from "../key-json.ts";

export type InternalDeps = {
  readonly clock: Clock;
  readonly change: Change;
  readonly peppers: Peppers;
  readonly counters: Counters;
};

const MAX_REPORTS = 100;

const params = z.object({ prefix: z.string() });

/** `active`: it would be accepted now. `daily_usage` is that of `usage_day`, today in UTC. */
const introspection = keyShape
  .pick({
    prefix: true,
    key_masked: true,
    status: true,
    scopes: true,
    daily_quota: true,
    daily_usage: true,
    expires_at: true,
    last_used_at: true,
    created_at: true,
    rotated_from: true,
  })
  .extend({
    active: z.boolean(),
    usage_day: z.string(),
    reset_at: z.string(),
    owner: z.object({ user_id: z.string(), project_id: z.int().nullable() }),
    cooldown_until: z.string().nullable(),
  })
  .meta({ id: "ApiKeyIntrospection" });

const reports = z
  .array(
    z.strictObject({
      token: z.string().max(4096),
      type: z.string().max(200).optional(),
      url: plainText.max(2000).optional(),
    }),
  )
  .max(MAX_REPORTS);

const reportAnswers = z.array(z.object({ prefix: z.string().nullable(), revoked: z.boolean() }));

/** For the operator's own machines: everything here takes the internal token (K8). */
export function internalRoutes(deps: InternalDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/internal/api-keys/:prefix",
      summary: "State, scopes, quota and usage of an API key, never its secret.",
      access: { credential: "internal" },
      params,
      answer: introspection,
      async handle({ request, reply, cause }) {
        const { prefix } = request.params as z.infer<typeof params>;
        reply.header("cache-control", "no-store");
        const key = await introspected(deps, cause(), prefix);
        if (key === undefined) throw new TollgateError("NOT_FOUND");
        const now = deps.clock.now();
        const until = await heldUntil(deps.counters, { kind: "key", id: String(key.quotaGroup) });
        const { user_id, project_id, ...shown } = keyJson(key);
        return {
          ...shown,
          active: key.ownerIsActive && (key.status === "active" || key.status === "rotating"),
          usage_day: utcDay(now),
          reset_at: isoTime(now - (now % DAY_MS) + DAY_MS),
          owner: { user_id, project_id },
          cooldown_until: until === undefined ? null : isoTime(until),
        };
      },
    },
    {
      method: "POST",
      path: "/internal/secret-scanning/revoke",
      summary: "Revokes API keys that were found in public; takes their full text as proof.",
      access: { credential: "internal" },
      body: reports,
      answer: reportAnswers,
      handle: ({ request, cause }) =>
        revokeLeakedKeys(deps, cause(), request.body as z.infer<typeof reports>),
    },
  ];
}

/** Every look leaves an entry. What cannot be a prefix is not looked up, and not written down: it may be a secret. */
async function introspected({ clock, change }: InternalDeps, cause: Cause, prefix: string) {
  if (!/^[0-9A-Za-z]{12}$/.test(prefix)) return undefined;
  return change(cause, async (tx, note) => {
    const key = await findApiKey({ db: tx, clock }, prefix);
    const target = { type: "key", id: prefix };
    note({ action: "key.introspect", target, ...(key === undefined ? { outcome: "denied" } : {}) });
    return key;
  });
}
