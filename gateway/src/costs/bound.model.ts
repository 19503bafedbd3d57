import { type Body, fieldOf } from "./bound.fields.ts";
import type { Bound } from "./bound.ts";

/** Models whose images are billed as many more tokens: OpenAI's mini makes 2,833 and 5,667 per tile, of eight at most. */
const DEAR_IMAGES = /^(chatgpt-)?gpt-4o-mini/;
const DEAR_IMAGE_TOKENS = 48_200;
/** Models that search at every call, whether they are asked to or not. */
const SEARCHING = /-search-(preview|api)/;
/** What a model must be left beside its thinking. */
const LEAST_ANSWER_TOKENS = 16;

export function alwaysSearches(model: string): boolean {
  return SEARCHING.test(model);
}

/** The bound of a call of this model, that sends this body. JSON may grow when it is written anew: `9e15` does. */
export function boundOfModel(bound: Bound, model: string, body: Body): Bound {
  const written = Buffer.byteLength(JSON.stringify(body)) - bound.imageBytes;
  const thinking = fieldOf(body.thinking, "budget_tokens");
  return {
    ...bound,
    textBytes: Math.max(bound.textBytes, written),
    ...(DEAR_IMAGES.test(model) ? { imageTokens: DEAR_IMAGE_TOKENS } : {}),
    ...(alwaysSearches(model) ? { searches: 1 } : {}),
    ...(Number.isSafeInteger(thinking) ? { leastOutput: (thinking as number) + LEAST_ANSWER_TOKENS } : {}),
  };
}
