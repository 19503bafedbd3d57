import type { Clock } from "../lib/clock.ts";
import type { Ai } from "../plugin.ts";
import type { Db } from "../store/tables.ts";
import { findAnswer, type KeptAnswer, keepAnswer } from "./assistant.cache.ts";
import type { Question } from "./assistant.fields.ts";
import { type Asker, digestOf, messagesOf } from "./assistant.question.ts";
import { type Reply, replyOf, replySchema } from "./assistant.reply.ts";

export type AnswerDeps = {
  readonly db: Db;
  readonly clock: Clock;
  /** How long an answer is given again; 0: never. */
  readonly cacheTtlMs: number;
  /** The cache does not answer, or cannot keep: the model is asked anew meanwhile. */
  readonly onTrouble: (error: unknown) => void;
};

export type Answered = Reply & { readonly fromCache: boolean };

type AsksAi = Pick<Ai, "generate" | "repeat">;
type Found = { readonly answer: KeptAnswer; readonly fromCache: boolean };

/** Answers questions of `by`, in whose name `ai` asks. Throws what `ai` throws. */
export type AnswerQuestion = (ai: AsksAi, by: Asker, question: Question) => Promise<Answered>;

const MAX_REPLY_TOKENS = 2_048;

/** Who asks what the same user is asking in this process right now waits for that answer. */
export function assistantAnswers(deps: AnswerDeps): AnswerQuestion {
  const { cacheTtlMs: ttlMs, onTrouble } = deps;
  const underWay = new Map<string, Promise<Found>>();

  async function ask(ai: AsksAi, { model }: Asker, question: Question): Promise<Found> {
    const messages = messagesOf(question);
    const answer = await ai.generate({ messages, model, maxTokens: MAX_REPLY_TOKENS, schema: replySchema });
    const reply = replyOf(answer.text, question.items);
    return { answer: { ...reply, model: answer.model }, fromCache: false };
  }

  async function findOrAsk(ai: AsksAi, by: Asker, question: Question, digest: Buffer): Promise<Found> {
    const kept = await findAnswer(deps, digest).catch((error: unknown) => void onTrouble(error));
    if (kept !== undefined) return { answer: kept, fromCache: true };
    const found = await ask(ai, by, question);
    if (found.answer.reply !== "") {
      await keepAnswer(deps, { digest, userId: by.userId, ttlMs }, found.answer).catch(onTrouble);
    }
    return found;
  }

  async function find(ai: AsksAi, by: Asker, question: Question): Promise<Found> {
    if (ttlMs === 0) return ask(ai, by, question);
    const digest = digestOf(by, question);
    const name = digest.toString("base64");
    const asking = underWay.get(name);
    if (asking === undefined) {
      const begun = findOrAsk(ai, by, question, digest).finally(() => underWay.delete(name));
      underWay.set(name, begun);
      return begun;
    }
    const repeated = (found: Found): Found => ({ ...found, fromCache: true });
    // That somebody got no answer, or left, says nothing about others.
    return asking.then(repeated, () => ask(ai, by, question));
  }

  return async (ai, by, question) => {
    const { answer, fromCache } = await find(ai, by, question);
    if (fromCache) await ai.repeat(answer);
    return { reply: answer.reply, citations: answer.citations, fromCache };
  };
}
