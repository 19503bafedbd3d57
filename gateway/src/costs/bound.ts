import type { FieldFault } from "../lib/errors.ts";
import type { Pico } from "../lib/money.ts";
import { dearest, type Rates, ratesAt, ratesFor } from "./rates.ts";

/** What a body says about its own size before it runs. */
export type Bound = {
  /** UTF-8 bytes of the body without the images inside it. A token is never less than one byte. */
  readonly textBytes: number;
  readonly images: number;
  /** What the images take of the body, which is not in `textBytes`. */
  readonly imageBytes: number;
  /** Most tokens that the model makes of an image; undefined: as many as most models. */
  readonly imageTokens?: number;
  /** There are sounds in it, which have rates of their own. */
  readonly hears: boolean;
  readonly hasTools: boolean;
  /** Output tokens per choice: the largest of the caps present, whatever their spelling. Undefined: none. */
  readonly outputCap: number | undefined;
  readonly choices: number;
  /** Parts whose size the body does not tell (files, provider-side tools). Not allowed under a budget (B6). */
  readonly unbounded: readonly FieldFault[];
  /** What the body asks for; whether it is granted, nobody knows yet. Undefined: the standard. */
  readonly serviceTier?: string;
  /** Searches that the model makes unasked. */
  readonly searches?: number;
  /** Fewer output tokens than this, and the provider refuses the call. */
  readonly leastOutput?: number;
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
const MIN_OUTPUT_TOKENS = 16;
/** A usual image; the largest that Anthropic (4,784) and OpenAI's models by patches (3,779) make of one. */
const IMAGE_TOKENS = 1600;
const MOST_IMAGE_TOKENS = 4800;
/** Instructions that providers put in front of a prompt, at most; they are longest where tools are declared. */
const HIDDEN_TOKENS = 700;
const HIDDEN_TOKENS_WITHOUT_TOOLS = 50;
const BYTES_PER_TOKEN = 3;

/** No tokenizer makes more input tokens of this body. */
export function inputCeiling(bound: Bound): number {
  return bound.textBytes + HIDDEN_TOKENS + bound.images * (bound.imageTokens ?? MOST_IMAGE_TOKENS);
}

/** A likely number of input tokens; about one call in thirty has more. */
export function inputEstimate(bound: Bound): number {
  const hidden = bound.hasTools ? HIDDEN_TOKENS : HIDDEN_TOKENS_WITHOUT_TOOLS;
  return Math.ceil(bound.textBytes / BYTES_PER_TOKEN) + hidden + bound.images * IMAGE_TOKENS;
}

/**
 * Under a budget a true upper bound: every token at the dearest rate that it can have, by standard and in the service
 * tier asked for, the output at its cap, which the call must then send upstream (`outputTokensFor`). Without a budget
 * an estimate that nothing depends on but reports.
 */
export function reserveFor(bound: Bound, rates: Rates, how: { readonly underBudget: boolean }): Reserve {
  const outputTokens = bound.outputCap ?? DEFAULT_OUTPUT_TOKENS;
  const inputTokens = how.underBudget ? inputCeiling(bound) : inputEstimate(bound);
  const asked = ratesFor(rates, bound.serviceTier);
  const { input, output } = how.underBudget
    ? dearest([rates, asked], { mostInput: inputTokens, hears: bound.hears, sees: bound.images > 0 })
    : ratesAt(asked, inputTokens);
  const stepPico = BigInt(bound.choices) * output;
  const inputPico = BigInt(inputTokens) * input + BigInt(bound.searches ?? 0) * asked.webSearch;
  const wantPico = inputPico + BigInt(outputTokens) * stepPico;
  const leastTokens = how.underBudget
    ? Math.min(Math.max(MIN_OUTPUT_TOKENS, bound.leastOutput ?? 0), outputTokens)
    : outputTokens;
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
