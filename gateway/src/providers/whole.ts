import type { Usage } from "../costs/usage.ts";
import { fieldsOf, parsedObject } from "./json.ts";
import { openAiError, type ProviderError } from "./openai.error.ts";
import { textBytesOf } from "./openai.text.ts";
import { usageIn } from "./openai.usage.ts";

/** What an answer that came in one piece says about itself. */
export type WholeAnswer = {
  readonly isChatCompletion: boolean;
  readonly model: string | undefined;
  readonly usage: Usage | undefined;
  /** UTF-8 bytes of the messages' text and tool arguments: what an estimate is made of. */
  readonly textBytes: number;
  readonly error: ProviderError | undefined;
};

/** Undefined if the body is not a JSON object. */
export function wholeAnswer(body: Buffer): WholeAnswer | undefined {
  const answer = parsedObject(body.toString());
  if (answer === undefined) return undefined;
  const choices = Array.isArray(answer.choices) ? answer.choices : [];
  return {
    isChatCompletion: choices.length > 0 && choices.every((choice) => fieldsOf(choice).message != null),
    model: typeof answer.model === "string" ? answer.model : undefined,
    usage: usageIn(answer),
    textBytes: textBytesOf(choices),
    error: openAiError(answer),
  };
}
