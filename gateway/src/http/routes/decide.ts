import { z } from "zod";
import { type DecideDeps as Deciding, type Decision, decide, type Obstacle } from "../../calls/decide.ts";
import { chatFormat } from "../../calls/formats.ts";
import type { Quotas } from "../../calls/quotas.ts";
import { type AiRequest, aiRequest } from "../../calls/request.ts";
import type { Principal } from "../../identity/principal.ts";
import { isoTime } from "../../lib/clock.ts";
import { usdNumber, usdText } from "../../lib/money.ts";
import { budgetJson, budgetShape } from "../budget-json.ts";
import type { Endpoint } from "../endpoint.ts";
import { limitsJson, limitsShape } from "../limit-json.ts";

export type DecideDeps = Omit<Deciding, "usedToday"> & { readonly quotas: Pick<Quotas, "usedToday"> };

const body = z
  .strictObject({
    endpoint: z.literal("chat").default("chat"),
    model: z.string().trim().min(1).max(256),
    max_tokens: z.int().min(1).max(1_000_000).optional(),
    messages: z
      .array(z.looseObject({ role: z.string() }))
      .min(1)
      .optional(),
    /** In place of the messages. */
    input_tokens: z.int().min(0).max(100_000_000).optional(),
    project_id: z.int().min(1).optional(),
  })
  .refine(({ messages, input_tokens }) => messages === undefined || input_tokens === undefined, {
    path: ["input_tokens"],
    message: "goes without messages only",
  });
export type Asked = z.infer<typeof body>;

/** `used` and `remaining` are what the limit counts; of a budget, USD. */
const reasonShape = z.object({
  code: z.string(),
  message: z.string(),
  limit: z.string().nullable(),
  scope: z.string().nullable(),
  used: z.number().nullable(),
  remaining: z.number().nullable(),
  reset_at: z.string().nullable(),
});

const decisionShape = z
  .object({
    allowed: z.boolean(),
    /** What the call would be answered with. */
    status: z.int(),
    code: z.string().nullable(),
    estimated_cost: z.number().nullable(),
    estimated_cost_usd: z.string().nullable(),
    /** What each of its budgets must have left before the call runs; null where it is under none. */
    needed: z.number().nullable(),
    needed_usd: z.string().nullable(),
    reasons: z.array(reasonShape),
    limits: limitsShape.shape.limits,
    budgets: z.array(budgetShape),
  })
  .meta({ id: "Decision" });

export function decideRoutes(deps: DecideDeps): readonly Endpoint[] {
  return [
    {
      method: "POST",
      path: "/v1/decide",
      summary: "Whether a call may run now, what it would cost, and what stands in its way; nothing is used.",
      access: { credential: "caller", scope: "inference:write", class: "manage" },
      body,
      answer: decisionShape,
      async handle({ request, visitor }) {
        const asked = request.body as Asked;
        const proposal = { request: requestOf(asked), projectId: asked.project_id };
        const { usedToday } = deps.quotas;
        return decisionJson(visitor.principal, await decide({ ...deps, usedToday }, visitor, proposal));
      },
    },
  ];
}

/** The call that would be made: with these messages, or with some that are as long. */
export function requestOf({ model, max_tokens, messages = SOME, input_tokens }: Asked): AiRequest {
  const sent = { model, messages, ...(max_tokens === undefined ? {} : { max_tokens }) };
  const request = aiRequest(chatFormat, sent, Buffer.byteLength(JSON.stringify(sent)));
  if (messages !== SOME) return request;
  const textBytes = Math.max(0, (input_tokens ?? 0) - HIDDEN_TOKENS) * BYTES_PER_TOKEN;
  return { ...request, bound: { ...request.bound, textBytes } };
}

const SOME = [{ role: "user", content: "" }];

/** A prompt of so many tokens is estimated at as many: with what providers add, and a likely length of its text. */
const HIDDEN_TOKENS = 50;
const BYTES_PER_TOKEN = 3;

/** A decision as HTTP and the command line show it. */
export function decisionJson(principal: Principal, decision: Decision): z.infer<typeof decisionShape> {
  const { obstacles, estimatedPico, neededPico, limits, budgets } = decision;
  const refusal = obstacles[0]?.refusal;
  const { userId, key, plan } = principal;
  const shown = limits
    .filter(({ limit }) => limit.isHidden !== true)
    .map(({ limit, state }) => {
      return { limit, state, userId, keyPrefix: limit.scope === "key" ? key?.prefix : undefined };
    });
  return {
    allowed: refusal === undefined,
    status: refusal?.status ?? 200,
    code: refusal?.code ?? null,
    estimated_cost: estimatedPico === undefined ? null : usdNumber(estimatedPico),
    estimated_cost_usd: estimatedPico === undefined ? null : usdText(estimatedPico),
    needed: neededPico === undefined ? null : usdNumber(neededPico),
    needed_usd: neededPico === undefined ? null : usdText(neededPico),
    reasons: obstacles.map(reasonJson),
    limits: limitsJson({ planName: plan.name, limits: shown }).limits,
    budgets: budgets.map(budgetJson),
  };
}

function reasonJson({ refusal, limit, budget }: Obstacle): z.infer<typeof reasonShape> {
  const { code, message } = refusal;
  if (limit !== undefined) {
    const { id, scope } = limit.limit;
    const reset_at = limit.fitsAtMs === undefined ? null : isoTime(limit.fitsAtMs);
    const { used, remaining } = limit.state;
    return { code, message, limit: id, scope, used, remaining, reset_at };
  }
  if (budget !== undefined) {
    const { scope, standing, resetAtMs } = budget;
    const reset_at = resetAtMs === undefined ? null : isoTime(resetAtMs);
    const [used, remaining] = [usdNumber(standing.spentPico), usdNumber(standing.remainingPico)];
    return { code, message, limit: "budget", scope, used, remaining, reset_at };
  }
  return { code, message, limit: null, scope: null, used: null, remaining: null, reset_at: null };
}
