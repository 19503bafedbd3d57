import type { Usage } from "../costs/usage.ts";
import { type Fields, fieldsOf } from "./json.ts";
import { responsesUsage } from "./translate.usage.ts";

export type ResponseIdentity = {
  /** Without the prefixes of a response and its items. */
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly model: string;
  /** What the client asked for: an answer repeats it. */
  readonly asked: Fields;
};

/** How far a response has come. */
export type Progress =
  | { readonly status: "in_progress" }
  | { readonly status: "failed"; readonly error: { readonly code: string; readonly message: string } }
  | { readonly status: "completed" }
  | { readonly status: "incomplete"; readonly reason: string };

/** The whole response at a moment, with every field that clients require. Nothing of it is stored. */
export function responseAt(
  { id, created, model, asked }: ResponseIdentity,
  progress: Progress,
  { output, usage }: { readonly output: readonly Fields[]; readonly usage: Usage | undefined },
): Fields {
  const { effort = null, summary = null } = fieldsOf(asked.reasoning);
  return {
    id: `resp_${id}`,
    object: "response",
    created_at: created,
    status: progress.status,
    background: false,
    error: progress.status === "failed" ? progress.error : null,
    incomplete_details: progress.status === "incomplete" ? { reason: progress.reason } : null,
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    metadata: asked.metadata ?? {},
    model,
    output,
    parallel_tool_calls: asked.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort, summary },
    service_tier: "default",
    store: false,
    temperature: asked.temperature ?? null,
    text: { format: { type: "text" }, ...fieldsOf(asked.text) },
    tool_choice: asked.tool_choice ?? "auto",
    tools: asked.tools ?? [],
    top_p: asked.top_p ?? null,
    truncation: "disabled",
    usage: usage === undefined ? null : responsesUsage(usage),
  };
}

/** How an answer ended that a chat gives this reason for. */
export function endOf(finishReason: string): Extract<Progress, { status: "completed" | "incomplete" }> {
  if (finishReason === "length") return { status: "incomplete", reason: "max_output_tokens" };
  if (finishReason === "content_filter") return { status: "incomplete", reason: "content_filter" };
  return { status: "completed" };
}
