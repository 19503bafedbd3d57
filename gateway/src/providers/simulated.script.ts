import { parsedObject } from "./json.ts";
import type { UpstreamRequest } from "./provider.ts";
import { answerTo, type SimulatedUsage, usageOf } from "./simulated.answer.ts";
import { simulatedChat } from "./simulated.chat.ts";
import { simulatedEmbeddings } from "./simulated.embeddings.ts";
import type { Draft, SimulatedFormat } from "./simulated.format.ts";
import { simulatedCount, simulatedMessages } from "./simulated.messages.ts";
import { type Behaviour, behaviourOf, midstreamError, type Refusal } from "./simulated.models.ts";
import { invalid } from "./simulated.request.ts";
import { simulatedResponses } from "./simulated.responses.ts";
import { type Step, streamedSteps, wholeSteps } from "./simulated.steps.ts";
import { digest } from "./simulated.words.ts";

/** An answer written down in advance: what is sent, and when. The same request always gives the same script. */
export type Script = {
  readonly id: string;
  readonly model: string;
  /** Undefined: never. */
  readonly headAfterMs: number | undefined;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  /** What is billed once the head was sent. */
  readonly prompt: PromptTokens;
};

export type PromptTokens = {
  readonly promptTokens: number;
  /** Parts of the prompt: read from a cache, written to it. */
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
};

export const NO_PROMPT: PromptTokens = { promptTokens: 0, cachedTokens: 0, cacheWriteTokens: 0 };

export const simulatedFormats: readonly SimulatedFormat[] = [
  simulatedChat,
  simulatedResponses,
  simulatedEmbeddings,
  simulatedMessages,
  simulatedCount,
];

const unknownPath: Refusal = {
  status: 404,
  type: "invalid_request_error",
  code: null,
  message: "Unknown path.",
};

/** The answer to a request. @param again How often a model was asked before that refuses some times only. */
export function scriptOf(
  { path, headers, body }: UpstreamRequest,
  again: (model: string) => number = () => 0,
): Script {
  const format = simulatedFormats.find((each) => each.path === path);
  const about = { id: `req_sim${digest(body)}`, headers, model: "", headAfterMs: 0 };
  if (format === undefined) return refused(simulatedChat, unknownPath, about);
  const fields = parsedObject(body.toString());
  const request =
    fields === undefined ? invalid("The body is not a JSON object.") : format.read(fields, headers);
  if ("refusal" in request) return refused(format, request.refusal, about);

  const { model, stream } = request;
  const behaviour = behaviourOf(model);
  const headAfterMs = behaviour.headAfterMs === "never" ? undefined : (behaviour.headAfterMs ?? 0);
  const refusal = refusalOf(behaviour, stream);
  if (refusal !== undefined && (refusal.times === undefined || again(model) < refusal.times)) {
    return refused(format, refusal, { ...about, model, headAfterMs });
  }

  const id = format.idOf(digest(body));
  const base = { id, model, status: 200, headAfterMs, prompt: NO_PROMPT };
  if (behaviour.fault?.kind === "html") {
    return {
      ...base,
      headers: { "content-type": "text/html" },
      steps: [{ afterMs: 0, tokens: 0, bytes: PAGE }],
    };
  }
  const type = stream ? "text/event-stream; charset=utf-8" : "application/json";
  const head = { "content-type": type, [format.idHeader]: id };
  if (behaviour.fault?.kind === "empty") return { ...base, headers: head, steps: [] };

  const answer = answerTo(request, behaviour);
  const usage = usageOf(request, behaviour, answer);
  const draft: Draft = {
    id,
    request,
    headers,
    answer,
    usage: behaviour.usage === "absent" ? undefined : usage,
  };
  const answered = { ...base, headers: head, prompt: format.bills ? promptOf(usage) : NO_PROMPT };
  if (stream) return { ...answered, steps: streamedSteps(format, draft, behaviour) };
  const { tokensPerSecond } = behaviour;
  const writingMs = tokensPerSecond === undefined ? 0 : (usage.output * 1000) / tokensPerSecond;
  const wholeAfterMs = headAfterMs === undefined ? undefined : headAfterMs + writingMs;
  const bytes = Buffer.from(JSON.stringify(format.whole(draft)));
  return { ...answered, headAfterMs: wholeAfterMs, steps: wholeSteps(bytes, usage.output, behaviour) };
}

const PAGE = Buffer.from("<!doctype html><title>Welcome</title><h1>It works!</h1>\n");

function refusalOf({ refusal, fault }: Behaviour, stream: boolean): Refusal | undefined {
  return fault?.kind === "error" && !stream ? midstreamError : refusal;
}

function promptOf({ prompt, cached, cacheWrite }: SimulatedUsage): PromptTokens {
  return { promptTokens: prompt, cachedTokens: cached, cacheWriteTokens: cacheWrite };
}

function refused(
  format: SimulatedFormat,
  refusal: Refusal,
  about: Pick<Script, "id" | "model" | "headAfterMs"> & Pick<Draft, "headers">,
): Script {
  const { id, model, headAfterMs } = about;
  const headers: Record<string, string> = { "content-type": "application/json", [format.idHeader]: id };
  if (refusal.retryAfterSeconds !== undefined) headers["retry-after"] = String(refusal.retryAfterSeconds);
  const bytes = Buffer.from(JSON.stringify(format.errorBody(refusal, about)));
  const steps = [{ afterMs: 0, tokens: 0, bytes }];
  return { id, model, headAfterMs, status: refusal.status, headers, steps, prompt: NO_PROMPT };
}
