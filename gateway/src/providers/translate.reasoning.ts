import { type Fields, fieldsOf } from "./json.ts";
import { drop, type Losses } from "./translate.losses.ts";
import { type ClaudeTraits, takesEffort } from "./translate.models.ts";

/** What a chat asks of a model that is told to think by `traits`. */
export type Thought = {
  readonly effort: unknown;
  readonly traits: ClaudeTraits;
  /** Thinking and answer together, tokens. */
  readonly maxTokens: number;
  /** A tool must be called, or the last turn gives results to calls without their thoughts: no budget may be set then. */
  readonly isBound: boolean;
};

const EFFORTS: ReadonlySet<unknown> = new Set(["low", "medium", "high", "xhigh", "max"]);
const SHARES: Readonly<Record<string, number>> = { low: 0.2, medium: 0.5 };
const MOST = 0.8;
const MIN_BUDGET_TOKENS = 1024;

/** `thinking` and `effort` of messages for the `reasoning_effort` of a chat. */
export function thinkingFor(thought: Thought, losses: Losses): { thinking?: Fields; effort?: string } {
  const { effort, traits, maxTokens, isBound } = thought;
  if (effort == null) return {};
  const little = effort === "none" || effort === "minimal";
  if (!little && !EFFORTS.has(effort)) {
    drop(losses, "reasoning_effort");
    return {};
  }
  if (traits.thinking === "adaptive") {
    if (little) return { effort: "low" };
    const held = effort === "xhigh" && !traits.takesXhigh ? "high" : String(effort);
    return { thinking: { type: "adaptive" }, effort: held };
  }
  if (little) return {};
  const share = Math.floor(maxTokens * (SHARES[String(effort)] ?? MOST));
  const budget = Math.max(MIN_BUDGET_TOKENS, share);
  if (traits.thinking === "none" || isBound || budget >= maxTokens) {
    drop(losses, "reasoning_effort");
    return {};
  }
  return { thinking: { type: "enabled", budget_tokens: budget } };
}

const LOW_TOKENS = 4_096;
const MEDIUM_TOKENS = 16_384;

/** The `reasoning_effort` of a chat for what messages say of thinking and effort; undefined: as the model likes. */
export function effortFor(body: Fields, model: string, losses: Losses): string | undefined {
  const { effort } = fieldsOf(body.output_config);
  const { type, budget_tokens: budget } = fieldsOf(body.thinking);
  if (!takesEffort(model)) {
    if (effort != null) drop(losses, "output_config.effort");
    if (type === "enabled") drop(losses, "thinking");
    return undefined;
  }
  if (effort === "xhigh" || effort === "max") {
    drop(losses, "output_config.effort");
    return "high";
  }
  if (typeof effort === "string") return effort;
  if (type !== "enabled") return undefined;
  const tokens = typeof budget === "number" ? budget : 0;
  return tokens <= LOW_TOKENS ? "low" : tokens <= MEDIUM_TOKENS ? "medium" : "high";
}
