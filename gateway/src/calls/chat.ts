import { type Bound, boundOf, inputEstimate } from "../costs/bound.ts";
import { type FieldFault, TollgateError } from "../lib/errors.ts";
import type { TokenEstimate } from "../limits/applicable.ts";

/** A chat completion as asked for: the fields Tollgate decides on, and the whole body for the provider. */
export type ChatRequest = {
  readonly body: Readonly<Record<string, unknown>>;
  readonly model: string;
  readonly stream: boolean;
  /** The client asked for the usage event of a stream. If not, it does not get to see ours. */
  readonly wantsUsage: boolean;
  readonly bound: Bound;
};

const MAX_MODEL_LENGTH = 256;

/**
 * Reads the body of `POST /v1/chat/completions`. Checks only what Tollgate decides on; the rest is the provider's.
 * Throws VALIDATION_FAILED with the path of every offending field.
 * @param bytes UTF-8 length of the body as it arrived.
 */
export function chatRequest(json: unknown, bytes: number): ChatRequest {
  const body = asObject(json);
  if (body === undefined) throw invalid([{ path: "", message: "must be a JSON object" }]);
  const { model, stream = false, messages } = body;
  const faults: FieldFault[] = [];
  if (typeof model !== "string" || model.trim() === "" || model.length > MAX_MODEL_LENGTH) {
    faults.push({ path: "model", message: `must be a text of 1 to ${MAX_MODEL_LENGTH} characters` });
  }
  if (typeof stream !== "boolean" && stream !== null)
    faults.push({ path: "stream", message: "must be true or false" });
  const streamOptions = body.stream_options ?? undefined;
  if (streamOptions !== undefined && asObject(streamOptions) === undefined) {
    faults.push({ path: "stream_options", message: "must be an object" });
  }
  faults.push(...messageFaults(messages));
  const bounded = boundOf(body, bytes);
  if (!bounded.valid) faults.push(...bounded.faults);
  if (faults.length > 0 || !bounded.valid) throw invalid(faults);
  return {
    body,
    model: model as string,
    stream: stream === true,
    wantsUsage: asObject(streamOptions)?.include_usage === true,
    bound: bounded.bound,
  };
}

function messageFaults(messages: unknown): FieldFault[] {
  if (!Array.isArray(messages) || messages.length === 0) {
    return [{ path: "messages", message: "must be a list of at least one message" }];
  }
  const faults: FieldFault[] = [];
  for (const [index, message] of messages.entries()) {
    const fields = asObject(message);
    if (fields === undefined) faults.push({ path: `messages[${index}]`, message: "must be an object" });
    else if (typeof fields.role !== "string") {
      faults.push({ path: `messages[${index}].role`, message: "must be a text" });
    }
    if (faults.length === 10) break;
  }
  return faults;
}

function invalid(faults: readonly FieldFault[]): TollgateError {
  return new TollgateError("VALIDATION_FAILED", { faults });
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** Output that nobody has capped is taken to be this long, until the call is settled. */
const LIKELY_OUTPUT_TOKENS = 512;

/** What a call's limits on tokens are to hold. */
export function tokensOf(bound: Bound): TokenEstimate {
  const { outputCap, choices } = bound;
  const input = inputEstimate(bound);
  return outputCap === undefined
    ? { certain: input, likely: LIKELY_OUTPUT_TOKENS * choices }
    : { certain: input + outputCap * choices, likely: 0 };
}

/**
 * The body to send upstream: what was parsed, with the provider's own model name, the usage event asked for, and,
 * under a budget, every spelling of the output limit held to what was reserved.
 */
export function upstreamBody(
  request: ChatRequest,
  upstream: {
    readonly model: string;
    readonly asksForUsage: boolean;
    readonly outputCap: number | undefined;
  },
): Buffer {
  const body: Record<string, unknown> = { ...request.body, model: upstream.model };
  if (request.stream && upstream.asksForUsage) {
    body.stream_options = { ...asObject(body.stream_options), include_usage: true };
  }
  if (upstream.outputCap !== undefined) capOutput(body, upstream.outputCap);
  return Buffer.from(JSON.stringify(body));
}

const OUTPUT_LIMITS = ["max_completion_tokens", "max_tokens", "max_output_tokens"];

function capOutput(body: Record<string, unknown>, cap: number): void {
  const present = OUTPUT_LIMITS.filter((name) => typeof body[name] === "number");
  for (const name of present) body[name] = Math.min(body[name] as number, cap);
  if (present.length === 0) body.max_completion_tokens = cap;
}
