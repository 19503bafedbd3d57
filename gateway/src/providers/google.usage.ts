import type { Metered } from "../costs/usage.ts";
import { countsOf, told, usageOf } from "./counts.ts";
import { type Fields, fieldsOf, objectsOf } from "./json.ts";
import { tierOf } from "./tier.ts";

/**
 * What an answer's `usageMetadata` says about its cost. What tools put in is input; thoughts are output, beside the
 * candidates. A count that is missing among others is 0; undefined if all are missing, or any of them is no count.
 */
export function googleMetered(answer: Fields): Metered | undefined {
  const reported = fieldsOf(answer.usageMetadata);
  const counts = countsOf({
    prompt: reported.promptTokenCount,
    tools: reported.toolUsePromptTokenCount,
    cached: reported.cachedContentTokenCount,
    candidates: reported.candidatesTokenCount,
    thoughts: reported.thoughtsTokenCount,
  });
  if (counts === undefined || Object.values(counts).every((count) => count === undefined)) return undefined;
  const input = byModality(reported.promptTokensDetails, reported.toolUsePromptTokensDetails);
  const cached = byModality(reported.cacheTokensDetails);
  const output = byModality(reported.candidatesTokensDetails);
  if (input === undefined || cached === undefined || output === undefined) return undefined;
  const { prompt = 0, tools = 0, candidates = 0, thoughts = 0 } = counts;
  const usage = usageOf({
    input: prompt + tools,
    cacheRead: counts.cached,
    output: candidates + thoughts,
    reasoning: thoughts,
    // A prompt's details include what was cached of it.
    audioInput: Math.max(0, input.audio - cached.audio),
    imageInput: Math.max(0, input.image - cached.image),
    cachedAudioInput: cached.audio,
    cachedImageInput: cached.image,
    audioOutput: output.audio,
    imageOutput: output.image,
  });
  if (usage === undefined) return undefined;
  return { usage, besides: [], ...told({ serviceTier: servedAt(reported) }) };
}

type Modalities = { readonly audio: number; readonly image: number };

/** Undefined if any count is none. */
function byModality(...lists: readonly unknown[]): Modalities | undefined {
  const sums = { audio: 0, image: 0 };
  for (const { modality, tokenCount } of lists.flatMap(objectsOf)) {
    const counts = countsOf({ tokenCount });
    if (counts === undefined) return undefined;
    if (modality === "AUDIO") sums.audio += counts.tokenCount ?? 0;
    if (modality === "IMAGE") sums.image += counts.tokenCount ?? 0;
  }
  return sums;
}

const TRAFFIC: Readonly<Record<string, string>> = {
  ON_DEMAND_PRIORITY: "priority",
  ON_DEMAND_FLEX: "flex",
};

/** Gemini names a service tier, Vertex a kind of traffic. Provisioned throughput is taken at standard rates. */
function servedAt({ serviceTier, trafficType }: Fields): string | undefined {
  const tier = tierOf(serviceTier);
  if (tier !== undefined && tier !== "unspecified") return tier;
  return typeof trafficType === "string" && Object.hasOwn(TRAFFIC, trafficType)
    ? TRAFFIC[trafficType]
    : undefined;
}
