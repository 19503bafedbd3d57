import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { GovernedRoute } from "../plugin.ts";
import type { Db } from "../store/tables.ts";
import { changeThought } from "./thoughts.change.ts";
import { listQuery, planQuery, thoughtParams, thoughtPatch } from "./thoughts.fields.ts";
import { findPlan, planAnswer, planJson } from "./thoughts.plans.ts";
import { deleteThought, everyThought, findThought, listThoughts } from "./thoughts.store.ts";
import { type Thought, thoughtAnswer, thoughtJson } from "./thoughts.thought.ts";

const read: { tollgate: GovernedRoute } = { tollgate: { class: "manage", scope: "thoughts:read" } };
const write: { tollgate: GovernedRoute } = { tollgate: { class: "manage", scope: "thoughts:write" } };
const oneThought = z.object({ thought: thoughtAnswer });

/** What the caller does with their own thoughts, without any model. */
export function ownThoughts(
  instance: FastifyInstance,
  { db, clock }: { readonly db: Db; readonly clock: Clock },
): void {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/v1/thoughts",
    {
      config: read,
      schema: {
        summary: "The caller's thoughts, the newest first.",
        querystring: listQuery,
        response: { 200: z.object({ items: z.array(thoughtAnswer), next_cursor: z.string().nullable() }) },
      },
    },
    async ({ query: { limit, cursor }, principal: { userId } }) => {
      const found = await listThoughts(db, userId, { before: cursor, limit: limit + 1 });
      const items = found.slice(0, limit);
      return {
        items: items.map(thoughtJson),
        next_cursor: found.length > limit ? String(items.at(-1)!.id) : null,
      };
    },
  );

  app.get(
    "/v1/thoughts/export",
    { config: read, schema: { summary: "All that the caller wrote down, one JSON object a line." } },
    async ({ principal: { userId } }, reply) => {
      reply
        .type("application/x-ndjson; charset=utf-8")
        .header("content-disposition", 'attachment; filename="thoughts.ndjson"');
      return Readable.from(linesOf(everyThought(db, userId)));
    },
  );

  app.get(
    "/v1/thoughts/:id",
    {
      config: read,
      schema: { summary: "A thought.", params: thoughtParams, response: { 200: oneThought } },
    },
    async ({ params: { id }, principal: { userId } }) => ({
      thought: thoughtJson(await getThought(db, userId, id)),
    }),
  );

  app.patch(
    "/v1/thoughts/:id",
    {
      config: write,
      schema: {
        summary: "Changes a thought. A new text is read by no model until it is asked to.",
        params: thoughtParams,
        body: thoughtPatch,
        response: { 200: oneThought },
      },
    },
    async ({ params: { id }, body, principal: { userId } }) => {
      const changed = await changeThought(db, userId, id, body, clock.now());
      if (changed === undefined) throw new TollgateError("NOT_FOUND");
      if (typeof changed !== "number") return { thought: thoughtJson(changed) };
      const fault = { path: `actions[${changed}].id`, message: "is not an action of this thought" };
      throw new TollgateError("VALIDATION_FAILED", { faults: [fault] });
    },
  );

  app.delete(
    "/v1/thoughts/:id",
    {
      config: write,
      schema: {
        summary: "Deletes a thought and its actions.",
        params: thoughtParams,
        response: { 204: z.null().describe("Done.") },
      },
    },
    async ({ params: { id }, principal: { userId } }, reply) => {
      if (!(await deleteThought(db, userId, id))) throw new TollgateError("NOT_FOUND");
      return reply.code(204).send(null);
    },
  );

  app.get(
    "/v1/plan",
    {
      config: read,
      schema: {
        summary: "What is still open of the caller's newest plan, or of an older version.",
        querystring: planQuery,
        response: { 200: z.object({ plan: planAnswer.nullable() }) },
      },
    },
    async ({ query: { version }, principal: { userId } }) => {
      const plan = await findPlan(db, userId, version);
      return { plan: plan === undefined ? null : planJson(plan) };
    },
  );
}

/** The caller's own; throws NOT_FOUND, for another's too. */
export async function getThought(db: Db, userId: string, id: number): Promise<Thought> {
  const thought = await findThought(db, userId, id);
  if (thought === undefined) throw new TollgateError("NOT_FOUND");
  return thought;
}

async function* linesOf(thoughts: AsyncIterable<Thought>): AsyncGenerator<string, void, void> {
  for await (const thought of thoughts) yield `${JSON.stringify(thoughtJson(thought))}\n`;
}
