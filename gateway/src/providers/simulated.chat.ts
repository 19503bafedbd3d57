import { fieldsOf } from "./json.ts";
import type { Answer, SimulatedUsage } from "./simulated.answer.ts";
import {
  CREATED,
  type Draft,
  openAiErrorBody,
  type Piece,
  type SimulatedFormat,
  unnamed,
} from "./simulated.format.ts";
import { conversation, invalid, isPositiveInteger, type Turn } from "./simulated.request.ts";

export const simulatedChat: SimulatedFormat = {
  wire: "openai-chat",
  path: "/chat/completions",
  bills: true,
  idHeader: "x-request-id",
  idOf: (digest) => `chatcmpl-sim${digest}`,
  read(body) {
    const { messages, n, tools } = body;
    if (!Array.isArray(messages) || messages.length === 0) {
      return invalid("Messages are missing.", "messages");
    }
    if (n != null && !(isPositiveInteger(n) && n <= MAX_CHOICES)) {
      return invalid("n is not between 1 and 16.", "n");
    }
    if (body.stream_options != null && body.stream !== true) {
      return invalid("stream_options is only allowed when stream is true.", "stream_options");
    }
    const [tool] = Array.isArray(tools) ? tools : [];
    return conversation(body, {
      turns: messages.map(turnOf),
      caps: ["max_tokens", "max_completion_tokens", "max_output_tokens"],
      toolName: fieldsOf(fieldsOf(tool).function).name,
      format: fieldsOf(fieldsOf(body.response_format).json_schema),
      choices: n ?? 1,
    });
  },
  whole({ id, request, answer, usage }) {
    const text = answer.tokens.join("");
    const said =
      answer.tool === undefined
        ? { content: text }
        : { content: null, tool_calls: [toolCall(id, answer.tool, text)] };
    return {
      id,
      object: "chat.completion",
      created: CREATED,
      model: request.model,
      choices: Array.from({ length: request.choices }, (_, index) => ({
        index,
        message: { role: "assistant", ...said, refusal: null },
        logprobs: null,
        finish_reason: finishes[answer.end],
      })),
      ...(usage === undefined ? {} : { usage: wireUsage(usage) }),
    };
  },
  pieces,
  errorBody: openAiErrorBody,
  errorPieces: (refusal) => [unnamed(openAiErrorBody(refusal))],
};

const MAX_CHOICES = 16;
const finishes = { whole: "stop", length: "length", tool: "tool_calls" } as const satisfies Record<
  Answer["end"],
  string
>;

function turnOf(message: unknown): Turn {
  const { role, content } = fieldsOf(message);
  return { from: role === "user" || role === "tool" ? role : "other", content };
}

function pieces({ id, request, answer, usage }: Draft): readonly Piece[] {
  const reports = usage !== undefined && fieldsOf(request.body.stream_options).include_usage === true;
  const common = { id, object: "chat.completion.chunk", created: CREATED, model: request.model };
  const said: Piece[] = [];
  for (let index = 0; index < request.choices; index++) {
    const say = (delta: object, tokens: number, isWord = false, finish: string | null = null): void => {
      const choices = [{ index, delta, logprobs: null, finish_reason: finish }];
      said.push(unnamed({ ...common, choices, ...(reports ? { usage: null } : {}) }, tokens, isWord));
    };
    say(opening(id, answer.tool), answer.reasoningTokens);
    for (const token of answer.tokens) {
      say(answer.tool === undefined ? { content: token } : argumentsDelta(token), 1, true);
    }
    say({}, 0, false, finishes[answer.end]);
  }
  if (reports) said.push(unnamed({ ...common, choices: [], usage: wireUsage(usage) }));
  return [...said, unnamed("[DONE]")];
}

function opening(id: string, tool: string | undefined): object {
  if (tool === undefined) return { role: "assistant", content: "", refusal: null };
  const calls = [{ index: 0, ...toolCall(id, tool, "") }];
  return { role: "assistant", content: null, tool_calls: calls, refusal: null };
}

function argumentsDelta(token: string): object {
  return { tool_calls: [{ index: 0, function: { arguments: token } }] };
}

function toolCall(id: string, name: string, json: string): object {
  return { id: `call_${id.slice(-8)}`, type: "function", function: { name, arguments: json } };
}

function wireUsage({ prompt, cached, cacheWrite, output, reasoning }: SimulatedUsage): object {
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: cacheWrite },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}
