/**
 * How much a call used, in disjoint kinds (C1, C9):
 * `input` = uncached + cacheRead + cacheWrite5m + cacheWrite1h; `output` includes `reasoning`.
 */
export type Usage = {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly output: number;
  readonly reasoning: number;
};

/**
 * Where a usage came from. reported: the provider said so. partial: said so before the stream ended early.
 * estimated: counted by us from the bytes. reserved: never settled, charged at its upper bound.
 */
export type UsageSource = "reported" | "partial" | "estimated" | "reserved";
