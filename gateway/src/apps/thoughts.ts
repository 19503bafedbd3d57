import type { FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Clock } from "../lib/clock.ts";
import type { GovernedRoute } from "../plugin.ts";
import type { Db } from "../store/tables.ts";
import { answerAnswer, answerFromThoughts } from "./thoughts.answer.ts";
import { type Enriched, enrich, hintAnswer } from "./thoughts.enrich.ts";
import { newThought, question, thoughtParams } from "./thoughts.fields.ts";
import { getThought, ownThoughts } from "./thoughts.own.ts";
import { refreshPlan } from "./thoughts.plan.ts";
import { planAnswer, planJson } from "./thoughts.plans.ts";
import { keepThought } from "./thoughts.store.ts";
import { thoughtAnswer, thoughtJson } from "./thoughts.thought.ts";

export type ThoughtsOptions = { readonly db: Db; readonly clock: Clock };

/** What asks a model takes the right to write: it spends. */
const governed = (name: "capture" | "query" | "plan", operation: string): { tollgate: GovernedRoute } => ({
  tollgate: { class: name, scope: "thoughts:write", operation, isAiCall: true, project: "header" },
});

const enrichedAnswer = z.object({ thought: thoughtAnswer, hint: hintAnswer.optional() });

/**
 * The app for thoughts (G1): what is written down is kept and read by a model, questions are answered from it, and what
 * is still to be done is planned. Everybody meets only what is their own.
 */
export async function thoughts(instance: FastifyInstance, options: ThoughtsOptions): Promise<void> {
  const { db, clock } = options;
  instance.setValidatorCompiler(validatorCompiler);
  instance.setSerializerCompiler(serializerCompiler);
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.post(
    "/v1/capture/thought",
    {
      config: governed("capture", "capture.thought"),
      schema: {
        summary: "Keeps a thought, and what a model draws from it.",
        body: newThought,
        response: { 201: enrichedAnswer },
      },
    },
    async ({ body: { text, source = null }, principal: { userId }, ai }, reply) => {
      const kept = await keepThought(db, { userId, text, source, now: clock.now() });
      reply.code(201);
      return enrichedJson(await enrich({ db, clock, ai }, userId, kept));
    },
  );

  app.post(
    "/v1/thoughts/:id/enrich",
    {
      config: governed("capture", "capture.thought"),
      schema: {
        summary: "Lets a model read a thought again.",
        params: thoughtParams,
        response: { 200: enrichedAnswer },
      },
    },
    async ({ params: { id }, principal: { userId }, ai }) =>
      enrichedJson(await enrich({ db, clock, ai }, userId, await getThought(db, userId, id))),
  );

  app.post(
    "/v1/query/ask",
    {
      config: governed("query", "query.ask"),
      schema: {
        summary: "Answers a question from the caller's thoughts.",
        body: question,
        response: { 200: answerAnswer },
      },
    },
    async ({ body, principal: { userId }, ai }) =>
      answerFromThoughts({ db, clock, ai }, userId, body.question),
  );

  app.post(
    "/v1/plan/refresh",
    {
      config: governed("plan", "plan.refresh"),
      schema: {
        summary: "Plans the caller's open actions anew.",
        response: { 200: z.object({ plan: planAnswer }) },
      },
    },
    async ({ principal: { userId }, ai }) => ({
      plan: planJson(await refreshPlan({ db, clock, ai }, userId)),
    }),
  );

  ownThoughts(app, options);
}

function enrichedJson({ thought, ...hint }: Enriched): z.infer<typeof enrichedAnswer> {
  return { thought: thoughtJson(thought), ...hint };
}
