import type { Breaker, Next, Outcome } from "./breaker.ts";

/** Keeps the breakers of all providers: of one process, or shared by every instance. Rejects with BreakersUnavailable. */
export type BreakerStore = {
  read(providers: readonly string[]): Promise<ReadonlyMap<string, Seen>>;
  /** Asks for the probe, in the name of `token`. */
  admit(provider: string, token: string): Promise<Step>;
  report(provider: string, outcome: Outcome, token: string | undefined): Promise<Step>;
  renew(provider: string, token: string): Promise<Step>;
  reset(provider: string): Promise<Step>;
  /** Tells of every breaker that is different from now on, whoever made it so, until the returned function is called. */
  follow(listener: BreakerListener): () => void;
};

/** A breaker as it was at `now`, by the clock of the store. */
export type Seen = { readonly now: number; readonly breaker: Breaker };

/** `change`: made by this very step, and by no other in the cluster. */
export type Step = Seen & Pick<Next, "change">;

export type BreakerListener = {
  seen(provider: string, seen: Seen): void;
  /** It hears, or hears again: what was told before is lost. */
  listening(): void;
};

/** The breakers did not answer; `cause` says why. */
export class BreakersUnavailable extends Error {
  override readonly name = "BreakersUnavailable";
}
