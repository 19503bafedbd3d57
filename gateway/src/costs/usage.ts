import type { Pico } from "../lib/money.ts";

/**
 * How much a call used (C1, C9). Tokens in disjoint kinds:
 * `input` = uncached + cacheRead + cacheWrite5m + cacheWrite1h; `output` includes `reasoning`.
 * Details that a provider does not tell are left out, and are then charged as the kind that they lie within.
 */
export type Usage = {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly output: number;
  readonly reasoning: number;
  /** Within the uncached input. */
  readonly audioInput?: number;
  readonly imageInput?: number;
  /** Within `cacheRead`. */
  readonly cachedAudioInput?: number;
  readonly cachedImageInput?: number;
  /** Within `output`. */
  readonly audioOutput?: number;
  readonly imageOutput?: number;
  /** Uses of the provider's own tools that are billed one by one, besides the tokens. */
  readonly webSearches?: number;
  readonly fileSearches?: number;
};

/** Of both together. */
export function addUsage(a: Usage, b: Usage): Usage {
  const sum: Record<string, number> = { ...a };
  for (const [kind, count] of Object.entries(b)) sum[kind] = (sum[kind] ?? 0) + count;
  return sum as Usage;
}

/** Everything an answer says about what it cost. */
export type Metered = {
  readonly usage: Usage;
  /** Billed besides, and in no count of `usage`. */
  readonly besides: readonly UsageBesides[];
  /** The provider served the call at these rates instead of its standard ones: `priority`, `flex`, `batch`, `fast`. */
  readonly serviceTier?: string;
  /** What the provider itself says that the call cost. */
  readonly providerCostPico?: Pico;
};

/** `model` undefined: the call's own. */
export type UsageBesides = {
  readonly kind: "compaction" | "advisor" | "submodel";
  readonly model: string | undefined;
  readonly usage: Usage;
};

/**
 * Where a usage came from. reported: the provider said so. partial: said so before the stream ended early.
 * estimated: counted by us from the bytes. reserved: never settled, charged at its upper bound.
 */
export type UsageSource = "reported" | "partial" | "estimated" | "reserved";
