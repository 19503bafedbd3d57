import { type Body, fieldOf, listOf } from "../costs/bound.fields.ts";
import { type Bound, inputEstimate } from "../costs/bound.ts";
import { type FieldFault, TollgateError } from "../lib/errors.ts";
import type { TokenEstimate } from "../limits/applicable.ts";
import { asObject } from "./format.faults.ts";
import type { Format } from "./formats.ts";

/** AI work as asked for: the fields that Tollgate decides on, and the whole body for the provider. */
export type AiRequest = {
  readonly format: Format;
  readonly body: Body;
  readonly model: string;
  readonly stream: boolean;
  /** The client asked for the usage event of a stream. If not, it does not get to see ours. */
  readonly wantsUsage: boolean;
  readonly bound: Bound;
  /** Other models that the body lets the provider answer with. */
  readonly otherModels: readonly string[];
};

const MAX_MODEL_LENGTH = 256;

/**
 * Reads the body of an AI call. Checks only what Tollgate decides on; the rest is the provider's.
 * Throws VALIDATION_FAILED with the path of every offending field.
 * @param bytes UTF-8 length of the body as it arrived.
 */
export function aiRequest(format: Format, json: unknown, bytes: number): AiRequest {
  const body = asObject(json);
  if (body === undefined) throw invalid([{ path: "", message: "must be a JSON object" }]);
  const { model, stream = false } = body;
  const faults: FieldFault[] = [];
  if (typeof model !== "string" || model.trim() === "" || model.length > MAX_MODEL_LENGTH) {
    faults.push({ path: "model", message: `must be a text of 1 to ${MAX_MODEL_LENGTH} characters` });
  }
  if (typeof stream !== "boolean" && stream !== null) {
    faults.push({ path: "stream", message: "must be true or false" });
  } else if (stream === true && !format.mayStream) {
    faults.push({ path: "stream", message: "is not possible here" });
  }
  faults.push(...format.faultsOf(body));
  const bounded = format.boundOf(body, bytes);
  if (!bounded.valid) faults.push(...bounded.faults);
  if (faults.length > 0 || !bounded.valid) throw invalid(faults);
  return {
    format,
    body,
    model: model as string,
    stream: stream === true,
    wantsUsage: asObject(body.stream_options)?.include_usage === true,
    bound: bounded.bound,
    otherModels: otherModels(body),
  };
}

/** Anthropic's `fallbacks` and OpenRouter's `models`. */
function otherModels({ fallbacks, models }: Body): readonly string[] {
  const named = [...listOf(models), ...listOf(fallbacks).map((each) => fieldOf(each, "model"))];
  return named.filter((each) => typeof each === "string");
}

function invalid(faults: readonly FieldFault[]): TollgateError {
  return new TollgateError("VALIDATION_FAILED", { faults });
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

/** What a body sent upstream says besides what the client said. */
export type UpstreamFields = {
  /** What the provider calls the limit on the output; undefined: as the client spells it. */
  readonly outputLimit?: string | undefined;
  /** The provider's own name of the model. */
  readonly model: string;
  readonly asksForUsage: boolean;
  /** Under a budget: what was reserved for. */
  readonly outputCap: number | undefined;
};

/**
 * The body to send upstream: what was parsed, with the provider's own model name, the usage event asked for, and,
 * under a budget, every spelling of the output limit held to what was reserved.
 */
export function upstreamBody(
  { outputCaps }: Pick<Format, "outputCaps">,
  asked: Body,
  { model, asksForUsage, outputCap, outputLimit }: UpstreamFields,
): Buffer {
  const body: Record<string, unknown> = { ...asked, model };
  if (asksForUsage) body.stream_options = { ...asObject(body.stream_options), include_usage: true };
  if (outputCap !== undefined) capOutput(body, outputCaps, outputCap);
  if (outputLimit !== undefined) spellOutputLimit(body, outputCaps, outputLimit);
  return Buffer.from(JSON.stringify(body));
}

function capOutput(body: Record<string, unknown>, names: readonly string[], cap: number): void {
  const present = names.filter((name) => typeof body[name] === "number");
  for (const name of present) body[name] = Math.min(body[name] as number, cap);
  const [usual] = names;
  if (present.length === 0 && usual !== undefined) body[usual] = cap;
}

/** A provider does not keep to a limit that it does not know the name of. The smallest counts. */
function spellOutputLimit(body: Record<string, unknown>, names: readonly string[], spelling: string): void {
  const limits = names.flatMap((name) => (typeof body[name] === "number" ? [body[name]] : []));
  if (limits.length === 0) return;
  for (const name of names) delete body[name];
  body[spelling] = Math.min(...limits);
}
