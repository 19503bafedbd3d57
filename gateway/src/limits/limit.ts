/**
 * A Limit says how much, per what, for whom. All limits of a call are dimensions of one decision and are taken
 * together or not at all (A4). The semantics of each shape are those of `shapes.ts`.
 */
export type Shape =
  /** Fixed window that starts with its first call. */
  | "window"
  /** Window aligned to the UTC day whose authority is PostgreSQL: without state it asks to be seeded. */
  | "dailyQuota"
  /** Token bucket: `limit` refills per `windowMs`, `capacity` is the burst. */
  | "bucket"
  /** Fence, read only: refuses when the stored epoch is newer than the caller's cached identity (`limit`). */
  | "epoch";

export type Dimension = {
  /** Stable name, shown to callers: `key-minute`. */
  readonly id: string;
  readonly shape: Shape;
  /**
   * Where the state lives: the same text on every instance, without secrets, never shared by two shapes.
   * At most once per decision.
   */
  readonly key: string;
  /** Integers below 2^53. A limit of 0 refuses every cost of 1 or more; it is never "unlimited". */
  readonly limit: number;
  readonly windowMs: number;
  readonly cost: number;
  /** Buckets only: the burst. */
  readonly capacity: number;
};

/** fits · exceeded · stale: the cached identity is older than the stored epoch · unseeded: seed, then ask again. */
export type Verdict = "fits" | "exceeded" | "stale" | "unseeded";

export type Judgement = {
  readonly verdict: Verdict;
  /** How much is left after this call; for `epoch` the stored epoch, or -1 if none is stored. */
  readonly remaining: number;
  /** Until the shape is full again. */
  readonly resetMs: number;
  /** Until this cost fits; -1: it never can. Exact to the millisecond, 0 if it fits. */
  readonly retryMs: number;
};

export type Taken = {
  /** True if every verdict is `fits`. Only then was anything written. */
  readonly allowed: boolean;
  /** The store's clock at the decision, milliseconds since the epoch. */
  readonly now: number;
  /** In the order of the dimensions. */
  readonly judgements: readonly Judgement[];
};

/**
 * Shared counters. Two implementations, memory and Redis, agree bit for bit; `counters.contract.ts` compares them.
 * A refused decision leaves all state as it was, expiry times included.
 */
export type Counters = {
  readonly kind: "memory" | "redis";
  /** `commit: false` judges without writing. Rejects with CountersUnavailable when the store does not answer. */
  take(dimensions: readonly Dimension[], commit: boolean): Promise<Taken>;
  /**
   * Returns, all at once, what a committed `take` of these dimensions took: to a window or quota only while it is the
   * one that gave, to a bucket up to its capacity, to a fence nothing. At most once per decision; a refused one took
   * nothing. Rejects with CountersUnavailable when the store does not answer; it may have been returned then.
   */
  giveBack(dimensions: readonly Dimension[], taken: Taken): Promise<void>;
  /** Raises a daily quota's count of today to at least `used`; this is how an unseeded one gets its state. */
  seed(dimension: Dimension, used: number): Promise<void>;
  /** Raises the stored epoch to at least `epoch`. */
  raiseEpoch(key: string, epoch: number): Promise<void>;
  /** True if the store answers now. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
};

/** The counters' store is down, frozen or unknown. What then happens is the limit's fail mode. */
export class CountersUnavailable extends Error {
  override readonly name = "CountersUnavailable";
}
