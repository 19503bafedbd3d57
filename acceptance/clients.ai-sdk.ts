import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, type LanguageModel, type LanguageModelUsage, streamText } from "ai";
import type { Asker, Heard } from "./clients.ts";

type Model = (gate: Heard, model: string) => Exclude<LanguageModel, string>;

const translated = { openai: "/chat/completions", anthropic: "/v1/messages" };

/** The packages of the AI SDK, as a program would set them up. */
export const aiSdkModels = {
  "@ai-sdk/openai chat": (gate, model) => createOpenAI(settings(gate)).chat(model),
  "@ai-sdk/openai responses": (gate, model) => createOpenAI(settings(gate)).responses(model),
  "@ai-sdk/anthropic": (gate, model) => createAnthropic(settings(gate))(model),
  "@ai-sdk/openai-compatible": (gate, model) =>
    createOpenAICompatible({ name: "tollgate", includeUsage: true, ...settings(gate) })(model),
} as const satisfies Record<string, Model>;

export const aiSdkAskers: readonly Asker[] = Object.entries(aiSdkModels).map(([name, modelAt]) => ({
  name,
  paths: name === "@ai-sdk/openai responses" ? { ...translated, openai: "/responses" } : translated,
  async ask(gate, modelId, prompt, stream) {
    const asked = { model: modelAt(gate, modelId), prompt, maxOutputTokens: 1_000, maxRetries: 0 };
    if (!stream) {
      const { text, usage } = await generateText(asked);
      return { text, usage: usageOf(usage) };
    }
    const streamed = streamText({ ...asked, onError: () => {} });
    return { text: await streamed.text, usage: usageOf(await streamed.usage) };
  },
}));

function settings({ url, token, fetch }: Heard) {
  return { baseURL: `${url}/v1`, apiKey: token, fetch };
}

function usageOf({ inputTokens, inputTokenDetails, outputTokens }: LanguageModelUsage) {
  return {
    input: inputTokens ?? Number.NaN,
    cached: inputTokenDetails.cacheReadTokens ?? 0,
    output: outputTokens ?? Number.NaN,
  };
}
