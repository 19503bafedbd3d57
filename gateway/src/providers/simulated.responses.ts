import { type Fields, fieldsOf, objectsOf } from "./json.ts";
import type { SimulatedUsage } from "./simulated.answer.ts";
import { CREATED, type Draft, named, openAiErrorBody, type SimulatedFormat } from "./simulated.format.ts";
import { conversation, invalid, type Turn } from "./simulated.request.ts";
import { responseStream } from "./simulated.responses.stream.ts";

export const simulatedResponses: SimulatedFormat = {
  wire: "openai-responses",
  path: "/responses",
  bills: true,
  idHeader: "x-request-id",
  idOf: (digest) => `resp_sim${digest}`,
  read(body) {
    const { input, instructions } = body;
    if (typeof input !== "string" && !(Array.isArray(input) && input.length > 0)) {
      return invalid("The input is missing.", "input");
    }
    const said: readonly Turn[] =
      typeof input === "string" ? [{ from: "user", content: input }] : input.map(turnOf);
    return conversation(body, {
      turns: typeof instructions === "string" ? [{ from: "other", content: instructions }, ...said] : said,
      caps: ["max_output_tokens"],
      toolName: objectsOf(body.tools).find(({ type }) => type === "function")?.name,
      format: fieldsOf(fieldsOf(body.text).format),
    });
  },
  whole: (draft) => responseOf(draft, "end"),
  pieces: (draft) =>
    responseStream({
      begun: responseOf(draft, "begun"),
      ended: responseOf(draft, "end"),
      items: itemsOf(draft),
      answer: draft.answer,
    }),
  errorBody: openAiErrorBody,
  errorPieces(refusal, draft) {
    const { code, message } = refusal;
    const error = { code: code ?? refusal.type, message };
    const failed = { ...responseOf(draft, "begun"), status: "failed", error };
    return [
      named({ type: "error", ...error, param: null }),
      named({ type: "response.failed", response: failed }),
    ];
  },
};

/** Items are messages, or calls of tools and their results. */
function turnOf(item: unknown): Turn {
  const { type, role, content, output, arguments: json } = fieldsOf(item);
  if (String(type).endsWith("_call_output")) return { from: "tool", content: output };
  if (String(type).endsWith("_call")) return { from: "other", content: json };
  return { from: role === "user" ? "user" : "other", content };
}

function responseOf(draft: Draft, at: "begun" | "end"): Fields {
  const { id, request, answer, usage } = draft;
  const { body, model } = request;
  const isCutOff = answer.end === "length";
  const status = isCutOff ? "incomplete" : "completed";
  return {
    id,
    object: "response",
    created_at: CREATED,
    status: at === "begun" ? "in_progress" : status,
    error: null,
    incomplete_details: at === "end" && isCutOff ? { reason: "max_output_tokens" } : null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    metadata: body.metadata ?? {},
    model,
    output: at === "end" ? itemsOf(draft) : [],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: body.reasoning ?? { effort: null, summary: null },
    store: body.store ?? true,
    temperature: 1,
    text: { format: { type: "text" } },
    tool_choice: body.tool_choice ?? "auto",
    tools: body.tools ?? [],
    top_p: 1,
    truncation: "disabled",
    usage: at === "end" && usage !== undefined ? wireUsage(usage) : null,
  };
}

/** What the model has made: its reasoning, unseen, then a message or the call of a tool. */
function itemsOf({ id, request, answer }: Draft): readonly Fields[] {
  const own = id.slice(-16);
  const status = answer.end === "length" ? "incomplete" : "completed";
  const text = answer.tokens.join("");
  const isShown = [request.body.include].flat().includes("reasoning.encrypted_content");
  const sealed = isShown ? { encrypted_content: Buffer.from(own).toString("base64") } : {};
  const reasoning = { id: `rs_${own}`, type: "reasoning", summary: [], ...sealed };
  const content = [{ type: "output_text", text, annotations: [], logprobs: [] }];
  const said =
    answer.tool === undefined
      ? { id: `msg_${own}`, type: "message", status, role: "assistant", content }
      : {
          id: `fc_${own}`,
          type: "function_call",
          status,
          call_id: `call_${own}`,
          name: answer.tool,
          arguments: text,
        };
  return answer.reasoningTokens > 0 ? [reasoning, said] : [said];
}

function wireUsage({ prompt, cached, cacheWrite, output, reasoning }: SimulatedUsage): object {
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: cacheWrite },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: prompt + output,
  };
}
