/** Why an answer ended, in both dialects. */
const FINISH_REASONS: Readonly<Record<string, string>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  pause_turn: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool_calls",
  refusal: "content_filter",
};

const STOP_REASONS: Readonly<Record<string, string>> = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  function_call: "tool_use",
  content_filter: "refusal",
};

const COUNTERPARTS: ReadonlySet<unknown> = new Set(Object.values(STOP_REASONS));

export type Finish = {
  readonly finish_reason: string;
  /** The provider's own word, where `finish_reason` says less. */
  readonly native_finish_reason?: string;
};

export function finishOf(stopReason: unknown): Finish {
  if (typeof stopReason !== "string") return { finish_reason: "stop" };
  const finish = Object.hasOwn(FINISH_REASONS, stopReason) ? FINISH_REASONS[stopReason]! : "stop";
  if (COUNTERPARTS.has(stopReason)) return { finish_reason: finish };
  return { finish_reason: finish, native_finish_reason: stopReason };
}

export type Ending = {
  readonly finishReason: unknown;
  /** Some providers say `stop` where a tool is called, which their clients would not run. */
  readonly callsTools: boolean;
  readonly refuses: boolean;
};

export function stopOf({ finishReason, callsTools, refuses }: Ending): string {
  const isKnown = typeof finishReason === "string" && Object.hasOwn(STOP_REASONS, finishReason);
  const stop = isKnown ? STOP_REASONS[finishReason]! : "end_turn";
  if (stop !== "end_turn") return stop;
  if (callsTools) return "tool_use";
  return refuses ? "refusal" : stop;
}
