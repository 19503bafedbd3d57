/**
 * How a Claude model is told to think: not at all, with a budget of tokens, or by itself under an effort.
 * Generations before 4.6 know budgets only, those from 4.7 on refuse them, and with them every sampling parameter.
 */
export type ClaudeTraits = {
  readonly thinking: "none" | "budget" | "adaptive";
  readonly takesSampling: boolean;
  readonly takesXhigh: boolean;
};

const WITHOUT_THINKING = /claude-(instant|v?[12]|3-(opus|sonnet|haiku|5))/;
const WITH_BUDGET = /claude-3[-.]7|-(opus|sonnet|haiku)-4(?![-.][6-9])/;
const BETWEEN = /-4[-.]6/;

/** A model that is not known is taken for a new one. */
export function claudeTraits(model: string): ClaudeTraits {
  if (WITHOUT_THINKING.test(model)) return { thinking: "none", takesSampling: true, takesXhigh: false };
  if (WITH_BUDGET.test(model)) return { thinking: "budget", takesSampling: true, takesXhigh: false };
  const isBetween = BETWEEN.test(model);
  return { thinking: "adaptive", takesSampling: isBetween, takesXhigh: !isBetween };
}

const OPENAI_REASONING = /(^|\/)(o\d|gpt-[5-9])(?!.*-chat)/;
const OTHER_REASONING = /gpt-oss|gemini-(2\.5|[3-9])|grok-3-mini/;

/** The model takes `reasoning_effort`; most others refuse a request that has it. */
export function takesEffort(model: string): boolean {
  return OPENAI_REASONING.test(model) || OTHER_REASONING.test(model);
}

/** OpenAI's reasoning models refuse every temperature and top_p but 1. */
export function takesSampling(model: string): boolean {
  return !OPENAI_REASONING.test(model);
}
