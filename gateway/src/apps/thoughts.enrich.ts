import { z } from "zod";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Ai } from "../plugin.ts";
import type { Db } from "../store/tables.ts";
import { enrichThought } from "./thoughts.change.ts";
import { drawingMessages, drawnSchema, fitDrawn } from "./thoughts.drawn.ts";
import { findThought } from "./thoughts.store.ts";
import type { Thought } from "./thoughts.thought.ts";
import { todayAt } from "./thoughts.today.ts";

/** Why a thought is not enriched, in the codes of the error table. */
export const hintAnswer = z.object({ code: z.string(), message: z.string() }).meta({ id: "ThoughtHint" });

export type Enriched = {
  readonly thought: Thought;
  /** Set if no model has read it. */
  readonly hint?: z.infer<typeof hintAnswer>;
};

const MAX_ANSWER_TOKENS = 2_000;

/** Lets a model read a thought that is kept. Whatever comes of the call, the thought stays, and can be read later. */
export async function enrich(
  { db, clock, ai }: { readonly db: Db; readonly clock: Clock; readonly ai: Pick<Ai, "generate"> },
  userId: string,
  thought: Thought,
): Promise<Enriched> {
  const { id, text } = thought;
  const answer = await asked(ai, text, todayAt(clock.now()));
  if ("hint" in answer) return { thought, ...answer };
  const enriched = await enrichThought(db, userId, thought, fitDrawn(text, answer.drawn), clock.now());
  return { thought: enriched ?? (await findThought(db, userId, id)) ?? thought };
}

type Answer = { readonly drawn: z.infer<typeof drawnSchema> } | Required<Pick<Enriched, "hint">>;

async function asked(ai: Pick<Ai, "generate">, text: string, today: string): Promise<Answer> {
  try {
    const { json } = await ai.generate({
      messages: drawingMessages(text, today),
      maxTokens: MAX_ANSWER_TOKENS,
      schema: drawnSchema,
    });
    return json === undefined ? nonsense : { drawn: json };
  } catch (error) {
    if (!(error instanceof TollgateError)) throw error;
    return { hint: { code: error.code, message: error.message } };
  }
}

const nonsense = {
  hint: { code: "PROVIDER_FAILED", message: "The model's answer said nothing that can be kept." },
};
