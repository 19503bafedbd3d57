import type { z } from "zod";
import { VirtualClock } from "../lib/clock.ts";
import type { Ai, AiMessage, AiQuestion } from "../plugin.ts";
import type { Db } from "../store/tables.ts";
import { enrichThought } from "./thoughts.change.ts";
import { type Drawn, type drawnSchema, fitDrawn } from "./thoughts.drawn.ts";
import { keepThought } from "./thoughts.store.ts";
import type { Thought } from "./thoughts.thought.ts";

/** Sunday, 2026-11-22, 12:00 UTC. */
export const noon = Date.UTC(2026, 10, 22, 12);
export const virtualClock = () => new VirtualClock(noon);

/** A model whose answers are written down, each a text or something to say as JSON; an error is thrown. */
export function scripted(...answers: unknown[]) {
  const asked: (AiQuestion & { readonly messages: readonly AiMessage[] })[] = [];
  const ai: Pick<Ai, "generate"> = {
    async generate<T>(question: AiQuestion<T>) {
      asked.push(question as (typeof asked)[number]);
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      const text = typeof answer === "string" ? answer : JSON.stringify(answer);
      const end = { callId: "", provider: "test", model: "test", usage: undefined, costUsd: "0" };
      return { ...end, text, json: jsonIn<T>(text, question.schema as z.ZodType<T>) };
    },
  };
  return { ai, asked };
}

function jsonIn<T>(text: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** What a model may have drawn; what a test is about is said in `fields`. */
export function drawn(fields: Partial<z.infer<typeof drawnSchema>> = {}): z.infer<typeof drawnSchema> {
  return { title: "", tags: [], people: [], dates: [], actions: [], ...fields };
}

export function kept(db: Db, userId: string, text: string): Promise<Thought> {
  return keepThought(db, { userId, text, source: null, now: noon });
}

/** A thought with what a model drew from it. */
export async function enriched(
  db: Db,
  userId: string,
  text: string,
  fields: Partial<z.infer<typeof drawnSchema>> = {},
): Promise<Thought> {
  const fit: Drawn = fitDrawn(text, drawn(fields));
  return (await enrichThought(db, userId, await kept(db, userId, text), fit, noon))!;
}
