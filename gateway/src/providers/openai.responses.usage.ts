import type { Metered, Usage, UsageBesides } from "../costs/usage.ts";
import { countsOf, told, usageOf } from "./counts.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "./json.ts";
import { providerCost } from "./provider-cost.ts";
import { tierOf } from "./tier.ts";

const IMAGE_MODEL = "gpt-image-1";

/**
 * What a response says about its cost. Searches and drawn images are billed, but lie outside its `usage`. Undefined
 * if the token counts are absent, or any count is none.
 */
export function responsesMetered(response: Fields): Metered | undefined {
  const reported = fieldsOf(response.usage);
  const input = fieldsOf(reported.input_tokens_details);
  const output = fieldsOf(reported.output_tokens_details);
  const searches = searchesOf(response);
  const images = imagesOf(response);
  const counts = countsOf({
    input: reported.input_tokens,
    output: reported.output_tokens,
    cacheRead: input.cached_tokens,
    cacheWrite5m: input.cache_write_tokens,
    reasoning: output.reasoning_tokens,
    ...searches,
  });
  if (counts?.input === undefined || counts.output === undefined || images === undefined) return undefined;
  const cached = counts.cacheRead ?? 0;
  // More cached than put in: then the count leaves out what was cached, as xAI's sometimes does.
  const whole = cached > counts.input ? counts.input + cached : counts.input;
  const usage = usageOf({ ...counts, input: whole, output: counts.output });
  if (usage === undefined) return undefined;
  return {
    usage,
    besides: images,
    ...told({ serviceTier: tierOf(response.service_tier), providerCostPico: providerCost(reported) }),
  };
}

/** As the provider counts them; where it does not, the calls among the output. Opening a page is free. */
function searchesOf(response: Fields): { readonly webSearches: unknown; readonly fileSearches: unknown } {
  const xai = fieldsOf(fieldsOf(response.usage).server_side_tool_usage_details);
  const calls = objectsOf(response.output);
  const ofWeb = ({ type, action }: Fields): boolean =>
    type === "web_search_call" && (fieldsOf(action).type ?? "search") === "search";
  return {
    webSearches:
      fieldsOf(fieldsOf(response.tool_usage).web_search).num_requests ??
      xai.web_search_calls ??
      calls.filter(ofWeb).length,
    fileSearches: xai.file_search_calls ?? calls.filter(({ type }) => type === "file_search_call").length,
  };
}

/** Undefined if any count is none. */
function imagesOf(response: Fields): readonly UsageBesides[] | undefined {
  const drawn = fieldsOf(fieldsOf(response.tool_usage).image_gen);
  const usage = imageUsage(drawn);
  if (usage === undefined) return undefined;
  if (usage.input + usage.output === 0) return [];
  const tool = objectsOf(response.tools).find(({ type }) => type === "image_generation");
  return [{ kind: "submodel", model: textOf(tool?.model) ?? IMAGE_MODEL, usage }];
}

function imageUsage(drawn: Fields): Usage | undefined {
  const cached = fieldsOf(drawn.cached_tokens_details);
  const counts = countsOf({
    input: drawn.input_tokens,
    output: drawn.output_tokens,
    images: fieldsOf(drawn.input_tokens_details).image_tokens,
    cacheRead: drawn.cached_tokens,
    cachedImageInput: cached.cached_image_tokens,
    imageOutput: fieldsOf(drawn.output_tokens_details).image_tokens,
  });
  if (counts === undefined) return undefined;
  const { input = 0, output = 0, images = 0, ...details } = counts;
  const imageInput = Math.max(0, images - (details.cachedImageInput ?? 0));
  return usageOf({ ...details, input, output, imageInput });
}
