import fc from "fast-check";
import { openAiChat } from "./openai.chat.ts";
import { wireContract } from "./wire.contract.ts";

const words = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 6,
});

const twins = fc
  .record({
    text: words,
    prompt: fc.nat(1000),
    cached: fc.nat(1000),
    audio: fc.nat(20),
    reasoning: fc.nat(50),
    beyond: fc.boolean(),
    isContinuous: fc.boolean(),
    cost: fc.constantFrom({}, { cost: 0.0012 }, { cost_in_usd_ticks: 1234 }),
    service_tier: fc.constantFrom("default", "flex"),
  })
  .map(({ text, prompt, cached, audio, reasoning, beyond, isContinuous, cost, service_tier }) => {
    const usageAfter = (words: number) => ({
      prompt_tokens: prompt,
      completion_tokens: beyond ? words : words + reasoning,
      total_tokens: prompt + words + reasoning,
      prompt_tokens_details: { cached_tokens: cached, audio_tokens: audio },
      completion_tokens_details: { reasoning_tokens: reasoning },
      ...cost,
    });
    const common = { id: "c1", model: "m-2", service_tier };
    const usage = usageAfter(text.length);
    const deltas = text.map((content, at) => ({
      ...common,
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
      usage: isContinuous ? usageAfter(at + 1) : null,
    }));
    const last = { ...common, choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: null };
    const message = { role: "assistant", content: text.join("") };
    return {
      whole: { ...common, choices: [{ index: 0, message, finish_reason: "stop" }], usage },
      stream: [...deltas, last, { ...common, choices: [], usage }, "[DONE]"].map((data) => ({ data })),
    };
  });

wireContract({
  wire: openAiChat,
  text: ["content", "reasoning", "reasoning_content", "refusal", "arguments", "text", "thinking"],
  finish: ["finish_reason"],
  twins,
});
