import { filled } from "./simulated.fill.ts";
import type { Behaviour } from "./simulated.models.ts";
import type { SimulatedRequest } from "./simulated.request.ts";
import { tokensOf, words } from "./simulated.words.ts";

/** One choice of an answer, in tokens. All choices are alike. */
export type Answer = {
  readonly reasoningTokens: number;
  readonly tokens: readonly string[];
  /** The tool that is called with them. */
  readonly tool: string | undefined;
  readonly end: "whole" | "length" | "tool";
};

/** Tokens of a whole answer, all choices together. The formats tell them in their own words. */
export type SimulatedUsage = {
  /** Everything that was put in, cached or not. */
  readonly prompt: number;
  readonly cached: number;
  readonly cacheWrite: number;
  /** Reasoning included. */
  readonly output: number;
  readonly reasoning: number;
};

export function answerTo(request: SimulatedRequest, behaviour: Behaviour): Answer {
  const calls = behaviour.callsTool === true && !request.hasResult;
  const tool = calls ? (request.toolName ?? "lookup") : undefined;
  const said = behaviour.words === undefined ? echoOf(request) : words(behaviour.words, request.text);
  const tokens = tokensOf(tool === undefined ? said : JSON.stringify({ query: said }));
  const reasoningTokens = Math.min(behaviour.reasoningTokens ?? 0, request.maxTokens);
  const kept = tokens.slice(0, request.maxTokens - reasoningTokens);
  const whole = tool === undefined ? "whole" : "tool";
  return { reasoningTokens, tokens: kept, tool, end: kept.length < tokens.length ? "length" : whole };
}

function echoOf({ text, schema }: SimulatedRequest): string {
  return schema === undefined ? text : JSON.stringify(filled(schema, text));
}

export function usageOf(
  { promptTokens, choices }: SimulatedRequest,
  { cachedPercent = 0, cacheWritePercent = 0 }: Behaviour,
  answer: Answer,
): SimulatedUsage {
  const reasoning = answer.reasoningTokens * choices;
  return {
    prompt: promptTokens,
    cached: Math.floor((promptTokens * cachedPercent) / 100),
    cacheWrite: Math.floor((promptTokens * cacheWritePercent) / 100),
    output: reasoning + answer.tokens.length * choices,
    reasoning,
  };
}
