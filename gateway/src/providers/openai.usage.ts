import type { Usage } from "../costs/usage.ts";
import { countsOf, usageOf } from "./counts.ts";
import { fieldsOf } from "./json.ts";

/**
 * Usage in the shape of OpenAI chat completions → disjoint kinds. Providers disagree about what
 * `completion_tokens` holds (xAI leaves the reasoning out, Gemini's compatible API the thinking) but not about the
 * total, so the output is whatever the total leaves beside the prompt. Rejected predictions are within it.
 * Undefined if the counts are absent or any of them is not a count.
 */
export function openAiUsage(reported: unknown): Usage | undefined {
  const usage = fieldsOf(reported);
  const prompt = fieldsOf(usage.prompt_tokens_details);
  const completion = fieldsOf(usage.completion_tokens_details);
  const counts = countsOf({
    input: usage.prompt_tokens,
    output: usage.completion_tokens,
    total: usage.total_tokens,
    // Mistral's `num_cached_tokens` is left out: it lowers no bill.
    cacheRead: prompt.cached_tokens ?? usage.cached_tokens ?? usage.prompt_cache_hit_tokens,
    cacheWrite5m: prompt.cache_write_tokens,
    reasoning: completion.reasoning_tokens,
    audioInput: prompt.audio_tokens,
    imageInput: prompt.image_tokens,
    audioOutput: completion.audio_tokens,
    imageOutput: completion.image_tokens,
  });
  if (counts?.input === undefined) return undefined;
  const { input, output, total, ...details } = counts;
  if (output === undefined && total === undefined) return undefined;
  return usageOf({ ...details, input, output: Math.max(output ?? 0, (total ?? 0) - input) });
}
