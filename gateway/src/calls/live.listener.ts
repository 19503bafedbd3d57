import type { TollgateError } from "../lib/errors.ts";
import type { Place } from "../telemetry/live.log.ts";
import type { Visitor } from "./enter.ts";

/** The way to somebody who listens. */
export type Listener = {
  /** `id`: where to go on from; undefined for what is no event. */
  tell(message: { readonly id: string | undefined; readonly text: string }): void;
  /** What it was told and has not taken yet. */
  waitingBytes(): number;
  end(reason: EndReason): void;
};

/** `slow` and `stopping`: whoever connects again goes on from its last event. */
export type EndReason = TollgateError | "slow" | "stopping";

/** Somebody who listens to this process, and how far it has heard. */
export type Connected = {
  readonly listener: Listener;
  visitor: Visitor;
  /** The event to go on from. */
  readonly since: string | undefined;
  /** Undefined until it is known where that is. */
  place: Place | undefined;
  /** It has read all there was: it hears of what is new together with all others. */
  isCaughtUp: boolean;
  /** Since when it takes nothing, monotonic milliseconds. */
  fullSince: number | undefined;
};
