import type { Metered, Usage, UsageBesides } from "../costs/usage.ts";
import { countsOf, told, usageOf } from "./counts.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "./json.ts";

const FIELDS = [
  "input_tokens",
  "output_tokens",
  "cache_read_input_tokens",
  "cache_creation_input_tokens",
  "cache_creation",
  "output_tokens_details",
  "server_tool_use",
  "iterations",
  "service_tier",
  "speed",
  "inference_geo",
];

/** A stream's usage so far and what came later: a field that is told again replaces the one before. */
export function merged(usage: Fields, later: unknown): Fields {
  const fields = fieldsOf(later);
  return Object.fromEntries(FIELDS.map((name) => [name, fields[name] ?? usage[name]]));
}

/** Iterations that no count at the top includes. Those of the answer itself are already in it. */
const BESIDES: Readonly<Record<string, UsageBesides["kind"]>> = {
  compaction: "compaction",
  advisor_message: "advisor",
};

/** What a message's usage, merged if it came in parts, says about its cost. Undefined if any count is none. */
export function anthropicMetered(reported: Fields): Metered | undefined {
  const usage = anthropicUsage(reported);
  if (usage === undefined) return undefined;
  const besides: UsageBesides[] = [];
  for (const iteration of objectsOf(reported.iterations)) {
    const { type, model } = iteration;
    const kind = typeof type === "string" && Object.hasOwn(BESIDES, type) ? BESIDES[type] : undefined;
    if (kind === undefined) continue;
    const besidesUsage = anthropicUsage(iteration);
    if (besidesUsage === undefined) return undefined;
    besides.push({ kind, model: textOf(model), usage: besidesUsage });
  }
  return { usage, besides, ...told({ serviceTier: ratesOf(reported) }) };
}

/** Cached tokens are told besides the input; a cache write that is not split lives for 5 minutes. */
function anthropicUsage(reported: Fields): Usage | undefined {
  const counts = countsOf({
    uncached: reported.input_tokens,
    cacheRead: reported.cache_read_input_tokens,
    written: reported.cache_creation_input_tokens,
    written5m: fieldsOf(reported.cache_creation).ephemeral_5m_input_tokens,
    written1h: fieldsOf(reported.cache_creation).ephemeral_1h_input_tokens,
    output: reported.output_tokens,
    reasoning: fieldsOf(reported.output_tokens_details).thinking_tokens,
    webSearches: fieldsOf(reported.server_tool_use).web_search_requests,
  });
  if (counts?.uncached === undefined || counts.output === undefined) return undefined;
  const { uncached, cacheRead = 0, written5m = 0, written1h = 0, written = written5m + written1h } = counts;
  const cacheWrite1h = Math.min(written1h, written);
  return usageOf({
    input: uncached + cacheRead + written,
    cacheRead,
    cacheWrite5m: written - cacheWrite1h,
    cacheWrite1h,
    output: counts.output,
    reasoning: counts.reasoning,
    webSearches: counts.webSearches,
  });
}

const TIERS: ReadonlySet<unknown> = new Set(["priority", "batch"]);

/** Everything that changes the rates, joined: `fast+us`. */
function ratesOf({ service_tier: tier, speed, inference_geo: place }: Fields): string | undefined {
  const named = [TIERS.has(tier) && tier, speed === "fast" && "fast", place === "us" && "us"];
  return textOf(named.filter(Boolean).join("+"));
}
