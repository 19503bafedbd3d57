import type { Usage } from "../costs/usage.ts";
import { type Fields, fieldsOf } from "./json.ts";
import { openAiUsage } from "./openai.usage.ts";

/** Usage as chat completions report it: the prompt holds what was read from and written to the cache. */
export function chatUsage(usage: Usage): Fields {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: {
      cached_tokens: usage.cacheRead,
      cache_write_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    },
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
  };
}

/** Usage as responses report it. */
export function responsesUsage(usage: Usage): Fields {
  return {
    input_tokens: usage.input,
    input_tokens_details: {
      cached_tokens: usage.cacheRead,
      cache_write_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  };
}

/**
 * Usage as messages report it: `input_tokens` are those that have nothing to do with the cache. The dialect cannot
 * leave a usage out, so an unknown one is zeros.
 */
export function messagesUsage(usage: Usage | undefined): Fields {
  if (usage === undefined) return counted(0, 0, 0, 0, 0);
  const written = usage.cacheWrite5m + usage.cacheWrite1h;
  const uncached = usage.input - usage.cacheRead - written;
  return counted(uncached, written, usage.cacheRead, usage.output, usage.reasoning);
}

function counted(uncached: number, written: number, read: number, output: number, reasoning: number): Fields {
  return {
    input_tokens: uncached,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    output_tokens: output,
    output_tokens_details: { thinking_tokens: reasoning },
  };
}

/** What a chat answer or one of its chunks says. Groq's streams carry it in `x_groq`. */
export function usageOfChat(answer: Fields): Usage | undefined {
  return openAiUsage(answer.usage) ?? openAiUsage(fieldsOf(answer.x_groq).usage);
}
