import { seededChance } from "../lib/ids.ts";
import { type Behaviour, behaviourOf, type Refusal } from "./simulated.models.ts";
import { type ChatRequest, chatRequest } from "./simulated.request.ts";

/** An answer written down in advance: what is sent, and when. The same request always gives the same script. */
export type Script = {
  readonly id: string;
  readonly model: string;
  /** Undefined: never. */
  readonly headAfterMs: number | undefined;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  readonly promptTokens: number;
  readonly cachedTokens: number;
};

/** Waits, then sends bytes or breaks the connection. `tokens` of output were made for it. */
export type Step = { readonly afterMs: number; readonly tokens: number } & (
  | { readonly bytes: Buffer }
  | { readonly cut: true }
);

/** The answer to a body sent to `/chat/completions`. */
export function chatScript(body: Buffer): Script {
  const request = chatRequest(body);
  if ("refusal" in request) return refused("", body, request.refusal, 0);
  const behaviour = behaviourOf(request.model);
  const headAfterMs = behaviour.headAfterMs === "never" ? undefined : (behaviour.headAfterMs ?? 0);
  if (behaviour.refusal !== undefined) return refused(request.model, body, behaviour.refusal, headAfterMs);
  if (behaviour.fault?.kind === "error" && !request.stream) {
    return refused(request.model, body, MIDSTREAM_ERROR, headAfterMs);
  }

  const id = `chatcmpl-sim${digest(body)}`;
  const promptTokens = request.promptTokens;
  const cachedTokens = Math.floor((promptTokens * (behaviour.cachedPercent ?? 0)) / 100);
  const base = { id, model: request.model, status: 200, promptTokens, cachedTokens };
  if (behaviour.fault?.kind === "html") {
    const page = Buffer.from("<!doctype html><title>Welcome</title><h1>It works!</h1>\n");
    const steps = [{ afterMs: 0, tokens: 0, bytes: page }];
    return { ...base, promptTokens: 0, headAfterMs, headers: { "content-type": "text/html" }, steps };
  }
  const headers = {
    "content-type": request.stream ? "text/event-stream; charset=utf-8" : "application/json",
    "x-request-id": id,
  };
  if (behaviour.fault?.kind === "empty") return { ...base, promptTokens: 0, headAfterMs, headers, steps: [] };

  const answer = answerTo(request, behaviour);
  const usage = usageOf(answer, promptTokens, cachedTokens);
  const draft: Draft = { id, request, behaviour, answer, usage };
  if (request.stream) return { ...base, headAfterMs, headers, steps: streamed(draft) };
  const writingMs = behaviour.tokensPerSecond
    ? (usage.completion_tokens * 1000) / behaviour.tokensPerSecond
    : 0;
  const wholeAfterMs = headAfterMs === undefined ? undefined : headAfterMs + writingMs;
  return { ...base, headAfterMs: wholeAfterMs, headers, steps: whole(draft) };
}

/** An error in OpenAI's shape. `model` and `body` only give it an id. */
export function refused(
  model: string,
  body: Buffer,
  refusal: Refusal,
  headAfterMs: number | undefined,
): Script {
  const { message, type, code, param = null, retryAfterSeconds } = refusal;
  const id = `req-sim${digest(body)}`;
  const headers: Record<string, string> = { "content-type": "application/json", "x-request-id": id };
  if (retryAfterSeconds !== undefined) headers["retry-after"] = String(retryAfterSeconds);
  const bytes = Buffer.from(JSON.stringify({ error: { message, type, param, code } }));
  const steps = [{ afterMs: 0, tokens: 0, bytes }];
  return { id, model, headAfterMs, status: refusal.status, headers, steps, promptTokens: 0, cachedTokens: 0 };
}

const MIDSTREAM_ERROR: Refusal = {
  status: 500,
  type: "server_error",
  code: "server_error",
  message: "The server had an error while processing your request.",
};

/** One choice of the answer, in tokens. All choices are alike. */
type Answer = {
  readonly choices: number;
  readonly reasoningTokens: number;
  readonly tokens: readonly string[];
  readonly tool: string | undefined;
  readonly finish: "stop" | "length" | "tool_calls";
};

type WireUsage = ReturnType<typeof usageOf>;

type Draft = {
  readonly id: string;
  readonly request: ChatRequest;
  readonly behaviour: Behaviour;
  readonly answer: Answer;
  readonly usage: WireUsage;
};

function answerTo(request: ChatRequest, behaviour: Behaviour): Answer {
  const tool = behaviour.callsTool === true ? (request.toolName ?? "lookup") : undefined;
  const said =
    behaviour.words === undefined ? request.lastUserText : words(behaviour.words, request.lastUserText);
  const tokens = tokensOf(tool === undefined ? said : JSON.stringify({ query: said }));
  const reasoningTokens = Math.min(behaviour.reasoningTokens ?? 0, request.maxTokens);
  const kept = tokens.slice(0, request.maxTokens - reasoningTokens);
  const whole = tool === undefined ? "stop" : "tool_calls";
  return {
    choices: request.choices,
    reasoningTokens,
    tokens: kept,
    tool,
    finish: kept.length < tokens.length ? "length" : whole,
  };
}

function usageOf(answer: Answer, promptTokens: number, cachedTokens: number) {
  const reasoning = answer.reasoningTokens * answer.choices;
  const completion = reasoning + answer.tokens.length * answer.choices;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
    prompt_tokens_details: { cached_tokens: cachedTokens },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

/** All simulated answers are dated 2026-01-01, so that the same request gives the same bytes. */
const CREATED = Date.UTC(2026, 0, 1) / 1000;

function whole({ id, request, behaviour, answer, usage }: Draft): readonly Step[] {
  const text = answer.tokens.join("");
  const call = {
    id: `call_${id.slice(-8)}`,
    type: "function",
    function: { name: answer.tool, arguments: text },
  };
  const message =
    answer.tool === undefined
      ? { role: "assistant", content: text, refusal: null }
      : { role: "assistant", content: null, tool_calls: [call], refusal: null };
  const bytes = Buffer.from(
    JSON.stringify({
      id,
      object: "chat.completion",
      created: CREATED,
      model: request.model,
      choices: Array.from({ length: answer.choices }, (_, index) => ({
        index,
        message,
        logprobs: null,
        finish_reason: answer.finish,
      })),
      ...(behaviour.usage === "absent" ? {} : { usage }),
    }),
  );
  const first = { afterMs: 0, tokens: usage.completion_tokens, bytes: bytes.subarray(0, bytes.length >> 1) };
  const second = bytes.subarray(bytes.length >> 1);
  const fault = behaviour.fault;
  if (fault?.kind === "malformed") return [first];
  if (fault?.kind === "cut") return [first, { afterMs: 0, tokens: 0, cut: true }];
  if (fault?.kind === "stall") return [first, { afterMs: fault.ms, tokens: 0, bytes: second }];
  return [{ ...first, bytes }];
}

function streamed({ id, request, behaviour, answer, usage }: Draft): readonly Step[] {
  const { tokensPerSecond, fault } = behaviour;
  const reports = request.includeUsage && behaviour.usage !== "absent";
  const perTokenMs = tokensPerSecond === undefined ? 0 : 1000 / tokensPerSecond;
  const steps: Step[] = [];
  const send = (
    choices: readonly object[],
    tokens = 0,
    extra: object = reports ? { usage: null } : {},
  ): void => {
    const chunk = {
      id,
      object: "chat.completion.chunk",
      created: CREATED,
      model: request.model,
      choices,
      ...extra,
    };
    steps.push({ afterMs: tokens * perTokenMs, tokens, bytes: sse(JSON.stringify(chunk)) });
  };
  let written = 0;
  for (let index = 0; index < answer.choices; index++) {
    const say = (delta: object, tokens: number, finish: string | null = null): void =>
      send([{ index, delta, logprobs: null, finish_reason: finish }], tokens);
    say(opening(id, answer.tool), answer.reasoningTokens);
    for (const token of answer.tokens) {
      if (fault?.kind === "cut" && fault.afterTokens === written) {
        return [...steps, { afterMs: 0, tokens: 0, cut: true }];
      }
      if (fault?.kind === "error" && fault.afterTokens === written) {
        const { message, type, code } = MIDSTREAM_ERROR;
        const bytes = sse(JSON.stringify({ error: { message, type, param: null, code } }));
        return [...steps, { afterMs: 0, tokens: 0, bytes }];
      }
      if (fault?.kind === "malformed" && written === answer.tokens.length >> 1) {
        steps.push({ afterMs: 0, tokens: 0, bytes: sse(`{"id":"${id}","choices":[{"index":0,"delta":`) });
      }
      say(answer.tool === undefined ? { content: token } : argumentsDelta(token), 1);
      if (fault?.kind === "stall" && fault.afterTokens === written) {
        const late = steps.pop()!;
        steps.push({ ...late, afterMs: late.afterMs + fault.ms });
      }
      written++;
    }
    say({}, 0, answer.finish);
  }
  if (reports) send([], 0, { usage });
  return [...steps, { afterMs: 0, tokens: 0, bytes: sse("[DONE]") }];
}

function opening(id: string, tool: string | undefined): object {
  if (tool === undefined) return { role: "assistant", content: "", refusal: null };
  const call = {
    index: 0,
    id: `call_${id.slice(-8)}`,
    type: "function",
    function: { name: tool, arguments: "" },
  };
  return { role: "assistant", content: null, tool_calls: [call], refusal: null };
}

function argumentsDelta(token: string): object {
  return { tool_calls: [{ index: 0, function: { arguments: token } }] };
}

function sse(data: string): Buffer {
  return Buffer.from(`data: ${data}\n\n`);
}

/** A token is a word with the white space before it; a word longer than 12 characters is several. */
export function tokensOf(text: string): readonly string[] {
  return text.match(/\s*\S{1,12}|\s+$/gu) ?? [];
}

const WORDS = (
  "time year people way day man thing woman life child world school state family student group country problem " +
  "hand part place case week company system program question work number night point home water room mother area " +
  "money story fact month lot right study book eye job word business issue side kind head house service friend"
).split(" ");

/** `count` words, chosen by `about`. */
function words(count: number, about: string): string {
  const chosen = seededChance(fnv(Buffer.from(about), 0)).bytes(count);
  return Array.from(chosen, (byte) => WORDS[byte % WORDS.length]).join(" ");
}

/** 16 hexadecimal digits of a body. Not a secret, only repeatable. */
function digest(body: Buffer): string {
  return [fnv(body, 0), fnv(body, 1)].map((half) => half.toString(16).padStart(8, "0")).join("");
}

/** FNV-1a. */
function fnv(bytes: Buffer, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
