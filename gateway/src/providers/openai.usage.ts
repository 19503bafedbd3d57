import type { Usage } from "../costs/usage.ts";
import { type Fields, fieldsOf } from "./json.ts";

/**
 * Usage in the shape of OpenAI chat completions → disjoint kinds. Providers disagree about what
 * `completion_tokens` holds (xAI leaves the reasoning out, Gemini's compatible API the thinking) but not about the
 * total, so the output is whatever the total leaves beside the prompt. A cached count above the prompt is clamped.
 * Undefined if the counts are absent or any of them is not a count: a number that cannot be trusted bills nothing.
 */
export function openAiUsage(reported: unknown): Usage | undefined {
  const usage = fieldsOf(reported);
  const prompt = fieldsOf(usage.prompt_tokens_details);
  const completion = fieldsOf(usage.completion_tokens_details);
  const counts = {
    input: usage.prompt_tokens,
    output: usage.completion_tokens,
    total: usage.total_tokens,
    cached: prompt.cached_tokens ?? usage.cached_tokens ?? usage.prompt_cache_hit_tokens,
    written: prompt.cache_write_tokens,
    reasoning: completion.reasoning_tokens,
  };
  if (!areCounts(counts)) return undefined;
  const { input, output, total } = counts;
  if (input == null || (output == null && total == null)) return undefined;

  const billedOutput = Math.max(output ?? 0, (total ?? 0) - input);
  const cacheRead = Math.min(counts.cached ?? 0, input);
  return {
    input,
    cacheRead,
    cacheWrite5m: Math.min(counts.written ?? 0, input - cacheRead),
    cacheWrite1h: 0,
    output: billedOutput,
    reasoning: Math.min(counts.reasoning ?? 0, billedOutput),
  };
}

/** The usage of a chat answer or stream event. Groq's streams carry it in `x_groq`; its whole answers keep other things there. */
export function usageIn(answer: Fields): Usage | undefined {
  return openAiUsage(answer.usage) ?? openAiUsage(fieldsOf(answer.x_groq).usage);
}

type Counts<T> = { readonly [K in keyof T]: number | null | undefined };

function areCounts<T extends Fields>(values: T): values is T & Counts<T> {
  return Object.values(values).every(
    (value) => value == null || (Number.isSafeInteger(value) && (value as number) >= 0),
  );
}
