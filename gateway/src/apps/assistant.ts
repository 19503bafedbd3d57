import type { FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { Clock } from "../lib/clock.ts";
import type { GovernedRoute } from "../plugin.ts";
import type { Db } from "../store/tables.ts";
import { assistantAnswers } from "./assistant.answer.ts";
import { sweepAnswers } from "./assistant.cache.ts";
import { chatAnswer, chatBody, type Question, warmupAnswer, warmupBody } from "./assistant.fields.ts";

export type AssistantOptions = {
  readonly db: Db;
  readonly clock: Clock;
  /** Who is asked; undefined: nobody knows, and the call is refused. */
  readonly model: () => string | undefined;
  /** How long a user gets the same answer to the same question; 0: never. */
  readonly cacheTtlSeconds: number;
  readonly onTrouble: (error: unknown) => void;
};

const SWEEP_MS = 60_000;

/** A user who signed in, through an app that has a key; both routes take the assistant's limits (A2). */
const governed = {
  class: "assist",
  scope: "assist:write",
  appKey: true,
  isAiCall: true,
} as const satisfies GovernedRoute;

/** The selling assistant (G2): a Fastify plugin for an app that `tollgate` governs. */
export async function assistant(app: FastifyInstance, options: AssistantOptions): Promise<void> {
  const { db, clock, model, cacheTtlSeconds, onTrouble } = options;
  const answer = assistantAnswers({ db, clock, cacheTtlMs: cacheTtlSeconds * 1000, onTrouble });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);

  app.post<{ Body: Question }>(
    "/v1/assist/chat",
    {
      config: { tollgate: { ...governed, operation: "assist.chat", project: "header" } },
      schema: {
        summary: "Answers a question about items, and says which item supports what.",
        body: chatBody,
        response: { 200: chatAnswer },
      },
    },
    async ({ body, principal, ai }, reply) => {
      const { userId, key, app: name } = principal;
      const by = { userId, app: name ?? String(key?.quotaGroup), model: model() };
      const { reply: text, citations, fromCache } = await answer(ai, by, body);
      const correlationId = String(reply.getHeader("x-correlation-id"));
      return { reply: text, citationsMetadata: { fromCache, citations }, correlationId };
    },
  );
  app.post(
    "/v1/assist/warmup",
    {
      config: { tollgate: { ...governed, operation: "assist.warmup" } },
      schema: {
        summary: "Has a connection ready before the first question.",
        body: warmupBody,
        response: { 200: warmupAnswer },
      },
    },
    async ({ ai }) => {
      await ai.warm(model());
      return { ready: true };
    },
  );

  const stopSweeping = clock.every(SWEEP_MS, () => sweepAnswers({ db, clock }).catch(onTrouble));
  app.addHook("onClose", async () => stopSweeping());
}
