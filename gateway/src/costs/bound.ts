import type { FieldFault } from "../lib/errors.ts";
import type { Pico } from "../lib/money.ts";
import { dearest, type Rates, ratesAt } from "./rates.ts";

/** What a chat body says about its own size before it runs. */
export type Bound = {
  /** UTF-8 bytes of the body without the images inside it. A token is never less than one byte. */
  readonly textBytes: number;
  readonly images: number;
  readonly hasTools: boolean;
  /** Output tokens per choice: the largest of the caps present, whatever their spelling. Undefined: none. */
  readonly outputCap: number | undefined;
  readonly choices: number;
  /** Parts whose size the body does not tell (files, provider-side tools). Not allowed under a budget (B6). */
  readonly unbounded: readonly FieldFault[];
};

export type BoundOrFaults =
  | { readonly valid: true; readonly bound: Bound }
  | { readonly valid: false; readonly faults: readonly FieldFault[] };

/** What a call asks of its budgets. `grantedPico` lies between need and want; `outputTokensFor` says what it buys. */
export type Reserve = {
  readonly needPico: Pico;
  readonly wantPico: Pico;
  readonly inputPico: Pico;
  /** One more output token of every choice. */
  readonly stepPico: Pico;
  readonly outputTokens: number;
};

export const DEFAULT_OUTPUT_TOKENS = 4096;
export const MIN_OUTPUT_TOKENS = 16;
const MAX_OUTPUT_TOKENS = 1_000_000;
const MAX_CHOICES = 128;
const IMAGE_TOKENS = 1600;
/** Instructions that providers put in front of a prompt, at most; they are longest where tools are declared. */
const HIDDEN_TOKENS = 700;
const HIDDEN_TOKENS_WITHOUT_TOOLS = 50;
const BYTES_PER_TOKEN = 3;
const MAX_UNBOUNDED = 10;

const OUTPUT_CAPS = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
const CHOICE_COUNTS = ["n", "best_of"];
const TEXT_PARTS = new Set(["text", "input_text", "output_text", "refusal", "input_audio"]);
const IMAGE_PARTS = new Set(["image_url", "input_image"]);
const CALLER_TOOLS = new Set(["function", "custom"]);
const UNBOUNDED_FIELDS = [
  "web_search_options",
  "search_parameters",
  "plugins",
  "previous_response_id",
  "conversation",
  "prediction",
];

/**
 * Reads a chat body of `bodyBytes` UTF-8 bytes as it arrived. JSON is never shorter than what it says, so the bytes
 * bound the text without walking it: the time depends on the number of messages and parts only.
 */
export function boundOf(body: Readonly<Record<string, unknown>>, bodyBytes: number): BoundOrFaults {
  const faults: FieldFault[] = [];
  const caps = counts(body, OUTPUT_CAPS, MAX_OUTPUT_TOKENS, faults);
  const choices = counts(body, CHOICE_COUNTS, MAX_CHOICES, faults);
  if (faults.length > 0) return { valid: false, faults };

  const unbounded: FieldFault[] = [];
  const images = imagesIn(body, unbounded);
  for (const field of UNBOUNDED_FIELDS) {
    if (isGiven(body[field])) note(unbounded, field);
  }
  const hasTools = toolsIn(body, unbounded);
  return {
    valid: true,
    bound: {
      textBytes: Math.max(0, bodyBytes - images.bytes),
      images: images.count,
      hasTools,
      outputCap: caps.length === 0 ? undefined : Math.max(...caps),
      choices: Math.max(1, ...choices),
      unbounded,
    },
  };
}

/** No tokenizer makes more input tokens of this body. */
export function inputCeiling(bound: Bound): number {
  return bound.textBytes + HIDDEN_TOKENS + bound.images * IMAGE_TOKENS;
}

/** A likely number of input tokens; about one call in thirty has more. */
export function inputEstimate(bound: Bound): number {
  const hidden = bound.hasTools ? HIDDEN_TOKENS : HIDDEN_TOKENS_WITHOUT_TOOLS;
  return Math.ceil(bound.textBytes / BYTES_PER_TOKEN) + hidden + bound.images * IMAGE_TOKENS;
}

/**
 * Under a budget a true upper bound: every token at the dearest rate that it can have, the output at its cap, which
 * the call must then send upstream (`outputTokensFor`). Without a budget an estimate that nothing depends on but
 * reports.
 */
export function reserveFor(bound: Bound, rates: Rates, how: { readonly underBudget: boolean }): Reserve {
  const outputTokens = bound.outputCap ?? DEFAULT_OUTPUT_TOKENS;
  const inputTokens = how.underBudget ? inputCeiling(bound) : inputEstimate(bound);
  const { input, output } = how.underBudget ? dearest(rates, inputTokens) : ratesAt(rates, inputTokens);
  const stepPico = BigInt(bound.choices) * output;
  const inputPico = BigInt(inputTokens) * input;
  const wantPico = inputPico + BigInt(outputTokens) * stepPico;
  const leastTokens = how.underBudget ? Math.min(MIN_OUTPUT_TOKENS, outputTokens) : outputTokens;
  return {
    needPico: inputPico + BigInt(leastTokens) * stepPico,
    wantPico,
    inputPico,
    stepPico,
    outputTokens,
  };
}

/** The output cap, per choice, that a granted amount pays for: the `max_completion_tokens` to send upstream. */
export function outputTokensFor(reserve: Reserve, grantedPico: Pico): number {
  if (grantedPico >= reserve.wantPico) return reserve.outputTokens;
  return Number((grantedPico - reserve.inputPico) / reserve.stepPico);
}

function counts(
  body: Readonly<Record<string, unknown>>,
  fields: readonly string[],
  most: number,
  faults: FieldFault[],
): readonly number[] {
  const found: number[] = [];
  for (const field of fields) {
    const value = body[field];
    if (!isGiven(value)) continue;
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) {
      found.push(value as number);
    } else {
      faults.push({ path: field, message: `must be an integer from 1 to ${most}` });
    }
  }
  return found;
}

function imagesIn(
  body: Readonly<Record<string, unknown>>,
  unbounded: FieldFault[],
): { readonly count: number; readonly bytes: number } {
  let count = 0;
  let bytes = 0;
  for (const [index, message] of listOf(body.messages).entries()) {
    if (isGiven(fieldOf(message, "audio"))) note(unbounded, `messages[${index}].audio`);
    for (const [part, content] of listOf(fieldOf(message, "content")).entries()) {
      const type = fieldOf(content, "type");
      const data = IMAGE_PARTS.has(type as string) ? inlineData(content) : undefined;
      if (data !== undefined && (data === "" || INLINE_IMAGE.test(data))) {
        count++;
        bytes += Buffer.byteLength(data);
      } else if (!TEXT_PARTS.has(type as string)) {
        note(unbounded, `messages[${index}].content[${part}]`);
      }
    }
  }
  return { count, bytes };
}

const INLINE_IMAGE = /^data:image\/[\w.+-]{1,40};base64,/i;

/** The data URL inside an image part; empty if the image is only named by an address. */
function inlineData(part: unknown): string {
  const image = fieldOf(part, "image_url");
  const url = typeof image === "string" ? image : fieldOf(image, "url");
  return typeof url === "string" && /^data:/i.test(url) ? url : "";
}

/** Notes the tools that run at the provider. True if there are tools of any kind. */
function toolsIn(body: Readonly<Record<string, unknown>>, unbounded: FieldFault[]): boolean {
  const tools = listOf(body.tools);
  for (const [index, tool] of tools.entries()) {
    if (!CALLER_TOOLS.has(fieldOf(tool, "type") as string)) note(unbounded, `tools[${index}]`);
  }
  return tools.length > 0 || listOf(body.functions).length > 0;
}

function note(unbounded: FieldFault[], path: string): void {
  if (unbounded.length === MAX_UNBOUNDED) return;
  unbounded.push({
    path,
    message: "has a cost that nobody can bound in advance, so it cannot run under a budget",
  });
}

/** JSON null stands for "not set", as providers read it. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[field] : undefined;
}
