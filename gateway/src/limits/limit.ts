/**
 * A Limit says how much, per what, for whom. All limits of a call are dimensions of one decision and are taken
 * together or not at all (A4). The semantics of each shape are those of `shapes.ts`.
 */
export type Shape =
  /** Fixed window that starts with its first call. */
  | "window"
  /** Fixed window aligned to multiples of `windowMs` since the epoch: hours, UTC days. */
  | "aligned"
  /** Weighs the aligned window before by the part of it that the last `windowMs` still cover. */
  | "sliding"
  /** Window aligned to the UTC day whose authority is PostgreSQL: without state it asks to be seeded. */
  | "dailyQuota"
  /** Token bucket: `limit` refills per `windowMs`, `capacity` is the burst. */
  | "bucket"
  /** Calls in flight, each under an id of its own for at most `windowMs`, unless renewed. */
  | "lease"
  /** Cooldown, read only: refuses until it is over. `strike` starts it. */
  | "hold"
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
  /** 0 takes nothing, and `remaining` is what is left now; of leases 0 or 1. */
  readonly cost: number;
  /** Buckets only: the burst. */
  readonly capacity: number;
  /** Leases only, and only a cost of 0 may go without: which call is in flight. No spaces. */
  readonly lease?: string;
  /** Judged with the others and refuses nobody; takes its cost only where it fits. */
  readonly reportOnly?: true;
};

/** fits · exceeded · stale: the cached identity is older than the stored epoch · unseeded: seed, then ask again. */
export type Verdict = "fits" | "exceeded" | "stale" | "unseeded";

export type Judgement = {
  readonly verdict: Verdict;
  /** How much is left after this call; for `epoch` the stored epoch, or -1 if none is stored; for `hold` 0. */
  readonly remaining: number;
  /** Until the shape is full again. */
  readonly resetMs: number;
  /** Until this cost fits; -1: it never can. Exact to the millisecond, 0 if it fits. */
  readonly retryMs: number;
};

export type Taken = {
  /** True if every verdict is `fits`, those of `reportOnly` apart. Only then was anything written. */
  readonly allowed: boolean;
  /** The store's clock at the decision, milliseconds since the epoch. */
  readonly now: number;
  /** In the order of the dimensions. */
  readonly judgements: readonly Judgement[];
};

/** One sign of abuse: `threshold` of them within `windowMs` start a hold. Both keys are this subject's alone. */
export type Strike = {
  readonly windowKey: string;
  readonly holdKey: string;
  readonly threshold: number;
  readonly windowMs: number;
  /** How long the first hold lasts. One that begins within a day of the last one's end lasts twice as long. */
  readonly baseMs: number;
  readonly capMs: number;
};

/** `until`: milliseconds since the epoch. */
export type Hold = { readonly key: string; readonly until: number };

/**
 * Shared counters. Two implementations, memory and Redis, agree bit for bit; `counters.contract.ts` compares them.
 * A refused decision leaves all state as it was, expiry times included. What has expired is as good as none. Every
 * method rejects with CountersUnavailable when the store does not answer; what was asked may have been done then.
 */
export type Counters = {
  readonly kind: "memory" | "redis";
  /** `commit: false` judges without writing. */
  take(dimensions: readonly Dimension[], commit: boolean): Promise<Taken>;
  /**
   * Corrects, all at once, what a committed `take` of these dimensions took: `costs` says in their order what the call
   * really cost. Windows are corrected only while they are the one that gave, and not below 0; buckets up to their
   * capacity, or down to a debt of as much. Leases end. A decision with leases is settled only while one of them is
   * alive, so once; one without must not be settled twice. A refused one took nothing.
   */
  settle(dimensions: readonly Dimension[], taken: Taken, costs: readonly number[]): Promise<void>;
  /** Settles as a call that cost nothing. */
  giveBack(dimensions: readonly Dimension[], taken: Taken): Promise<void>;
  /** The lease lasts `windowMs` from now. False if it has ended: its place may be another call's. */
  renew(lease: Dimension): Promise<boolean>;
  /** Raises a daily quota's count of today to at least `used`; this is how an unseeded one gets its state. */
  seed(dimension: Dimension, used: number): Promise<void>;
  /** Raises the stored epoch to at least `epoch`. */
  raiseEpoch(key: string, epoch: number): Promise<void>;
  /**
   * Counts one strike, or nothing while a hold is active: it is not prolonged. Answers the end of the active hold,
   * milliseconds since the epoch, or 0 without one, and whether this strike has started it.
   */
  strike(strike: Strike): Promise<{ readonly until: number; readonly started: boolean }>;
  /** Forgets what is stored under these keys. */
  reset(keys: readonly string[]): Promise<void>;
  /** The active holds, those that end first first, at most 1,000. */
  holds(): Promise<readonly Hold[]>;
  /** True if the store answers now. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
};

/** The counters' store is down, frozen or unknown. What then happens is the limit's fail mode. */
export class CountersUnavailable extends Error {
  override readonly name = "CountersUnavailable";
}
