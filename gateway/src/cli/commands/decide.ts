import { z } from "zod";
import { authorize, type ScopesMode } from "../../access/authorize.ts";
import { decide, type Obstacle } from "../../calls/decide.ts";
import { type Asked, decisionJson, requestOf } from "../../http/routes/decide.ts";
import type { Principal } from "../../identity/principal.ts";
import { TollgateError } from "../../lib/errors.ts";
import { dataCommand, type Shown } from "../command.ts";
import { amount, prose, state, table } from "../table.ts";
import { rowNumber } from "./fields.ts";
import { inServer } from "./in-server.ts";
import { orUsage } from "./or-usage.ts";
import { principalNamed } from "./principal-named.ts";

type DecisionJson = ReturnType<typeof decisionJson> & { readonly user_id: string; readonly model: string };

const tokens = z.coerce.number().int();

const ask = dataCommand({
  name: "decide",
  about: "Tell whether a chat call would be let in now, and what stands in its way; nothing is used.",
  options: [
    ["--model <model>", "as the call would name it"],
    ["--user <user>", "whose call, by id or e-mail address (default: APP_AUTH_DEFAULT_USER)"],
    ["--key <prefix>", "with this key, and so its owner's call"],
    ["--project <id>", "project that the call would name to pay"],
    ["--max-tokens <n>", "output that the call would ask for at most"],
    ["--input-tokens <n>", "how long its prompt would be (default: 0)"],
  ],
  input: z
    .strictObject({
      model: z.string().trim().min(1).max(256),
      user: z.string().optional(),
      key: z.string().optional(),
      project: rowNumber.optional(),
      maxTokens: tokens.min(1).max(1_000_000).optional(),
      inputTokens: tokens.min(0).max(100_000_000).optional(),
    })
    .refine(({ user, key }) => user === undefined || key === undefined, "name a user or a key"),
  run: (deps, { model, user, key, project, maxTokens, inputTokens }): Promise<DecisionJson> =>
    orUsage("there is nobody of that name", async () => {
      const { db, clock } = deps;
      const { decisions, jobs } = inServer(deps.server, "POST /v1/decide");
      const principal = await principalNamed(deps, { user, key });
      const asked: Asked = { endpoint: "chat", model, max_tokens: maxTokens, input_tokens: inputTokens };
      // Nobody knows from where the call would come.
      const limitsOf: typeof decisions.limitsOf = (...of) =>
        decisions.limitsOf(...of).filter(({ scope }) => scope !== "address");
      const decision = await decide(
        { ...decisions, limitsOf, db, clock },
        { principal, presented: { token: undefined }, address: "" },
        { request: requestOf(asked), projectId: project },
      );
      const obstacles = [...atTheGate(principal, jobs.scopesMode), ...decision.obstacles];
      return { user_id: principal.userId, model, ...decisionJson(principal, { ...decision, obstacles }) };
    }),
  show: shown,
});

/** What whoever asks over HTTP has passed already. */
function atTheGate(principal: Principal, mode: ScopesMode): readonly Obstacle[] {
  try {
    authorize(principal, { scope: "inference:write" }, mode);
    return [];
  } catch (error) {
    if (error instanceof TollgateError) return [{ refusal: error }];
    throw error;
  }
}

function shown({ user_id, model, allowed, status, code, ...decision }: DecisionJson): Shown {
  const { estimated_cost_usd: cost, reasons, budgets } = decision;
  const price = cost === null ? "" : `, likely to cost ${cost} USD`;
  const verdict = allowed
    ? `Allowed: ${model} for ${user_id}${price}.`
    : `Not allowed: ${model} for ${user_id} would be answered ${status} ${code}${price}.`;
  const text = [
    verdict,
    table(
      ["REASON", "LIMIT", "OF", amount("USED"), amount("LEFT"), "AGAIN AT", prose("WHAT TO DO")],
      reasons.map(({ code: reason, limit, scope, used, remaining, reset_at, message }) => {
        return [
          reason,
          limit ?? "-",
          scope ?? "-",
          numberOf(used),
          numberOf(remaining),
          reset_at ?? "-",
          message,
        ];
      }),
    ),
    table(
      ["BUDGET OF", "PERIOD", amount("ALLOCATED USD"), amount("LEFT USD"), state("STATUS")],
      budgets.map(({ scope, id, period, allocated_usd, remaining_budget_usd, status: standing }) => {
        return [`${scope} ${id}`, period, allocated_usd, remaining_budget_usd, standing];
      }),
    ),
  ];
  return { text, isFailure: !allowed };
}

function numberOf(value: number | null): string {
  return value === null ? "-" : String(value);
}

export const decideCommands = [ask];
