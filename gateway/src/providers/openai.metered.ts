import type { Metered, Usage, UsageBesides } from "../costs/usage.ts";
import { told, usageOf } from "./counts.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "./json.ts";
import { openAiUsage } from "./openai.usage.ts";
import { providerCost } from "./provider-cost.ts";
import { tierOf } from "./tier.ts";

/**
 * What a chat answer or stream event says about its cost. Groq's streams carry the usage in `x_groq`; its whole
 * answers keep other things there.
 */
export function openAiMetered(answer: Fields): Metered | undefined {
  const groq = fieldsOf(answer.x_groq);
  const own = openAiUsage(answer.usage);
  const usage = own ?? openAiUsage(groq.usage);
  if (usage === undefined) return undefined;
  return {
    ...ofSubmodels(usage, answer.usage_breakdown ?? groq.usage_breakdown),
    ...told({
      serviceTier: tierOf(answer.service_tier),
      providerCostPico: providerCost(fieldsOf(own === undefined ? groq.usage : answer.usage)),
    }),
  };
}

/**
 * Groq's compound systems answer by several models, and tell the sum and each model's part of it. So that nothing is
 * counted twice, every part stands besides under its model's name, and the usage is what the parts leave of the sum:
 * nothing, as a rule. Parts that cannot be read, or that are more than the sum, are not believed: the sum stands alone.
 */
function ofSubmodels(sum: Usage, breakdown: unknown): Pick<Metered, "usage" | "besides"> {
  const besides: UsageBesides[] = [];
  let left = sum;
  for (const { model, usage } of objectsOf(fieldsOf(breakdown).models)) {
    const part = openAiUsage(usage);
    const name = textOf(model);
    const less = part && without(left, part);
    if (less === undefined || part === undefined || name === undefined) return { usage: sum, besides: [] };
    left = less;
    besides.push({ kind: "submodel", model: name, usage: part });
  }
  return { usage: left, besides };
}

/** Undefined if the part is more than the whole. */
function without(whole: Usage, part: Usage): Usage | undefined {
  if (part.input > whole.input || part.output > whole.output) return undefined;
  const left = (kind: keyof Usage): number => Math.max(0, (whole[kind] ?? 0) - (part[kind] ?? 0));
  return usageOf({
    input: left("input"),
    cacheRead: left("cacheRead"),
    cacheWrite5m: left("cacheWrite5m"),
    output: left("output"),
    reasoning: left("reasoning"),
    audioInput: left("audioInput"),
    imageInput: left("imageInput"),
    audioOutput: left("audioOutput"),
    imageOutput: left("imageOutput"),
  });
}
