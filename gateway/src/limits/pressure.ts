import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { type Chance, fraction } from "../lib/ids.ts";

/** `reserved`: what keeps the house running (sign-in, job polling), for which a fifth of the places is kept free. */
export type PressureKind = "work" | "reserved";

/** How much load is too much; undefined switches a bound off, 0 refuses everything. */
export type PressureBounds = {
  /** Requests under way at a time. */
  readonly maxInFlight?: number | undefined;
  readonly maxQueueDepth?: number | undefined;
  /** 99th percentile of the event loop's delay, milliseconds. */
  readonly maxDelayMs?: number | undefined;
};

export type Load = {
  /** Requests under way, without the one that is judged. */
  readonly inFlight: number;
  readonly queueDepth: number;
  /** How many samples in a row, up to the last one, were above `maxDelayMs`. */
  readonly slowSamples: number;
};

/** True if one more request may begin under this load (A5). What is queued or late never refuses what is reserved. */
export function judgePressure(load: Load, bounds: PressureBounds, kind: PressureKind): boolean {
  const { maxInFlight, maxQueueDepth, maxDelayMs } = bounds;
  if (maxInFlight !== undefined && load.inFlight >= placesFor(kind, maxInFlight)) return false;
  if (kind === "reserved") return true;
  if (maxQueueDepth !== undefined && (maxQueueDepth === 0 || load.queueDepth > maxQueueDepth)) return false;
  return maxDelayMs === undefined || (maxDelayMs > 0 && load.slowSamples < SLOW_SAMPLES);
}

/** Samples in a row that make the event loop slow: one is an accident. */
const SLOW_SAMPLES = 5;
const SAMPLE_MS = 1_000;

/** Of a single place work may take it, so that a bound of 1 is not one of 0. */
function placesFor(kind: PressureKind, maxInFlight: number): number {
  const free = kind === "reserved" ? 0 : Math.ceil(maxInFlight / 5);
  return Math.max(Math.min(1, maxInFlight), maxInFlight - free);
}

export type PressureDeps = PressureBounds & {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly queueDepth: () => number;
  readonly loopDelayP99Ms: () => number;
};

export type Pressure = {
  /** Counts a request in; the returned function counts it out, once. Throws OVERLOADED: nothing has been done yet. */
  enter(kind: PressureKind): () => void;
  inFlight(): number;
  stop(): void;
};

/** Those who were refused come back within 1 to 5 seconds, not all at once. */
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 5_000;

export function pressure(deps: PressureDeps): Pressure {
  const { clock, chance, queueDepth, loopDelayP99Ms, maxDelayMs } = deps;
  let inFlight = 0;
  let slowSamples = 0;
  const stop =
    maxDelayMs === undefined
      ? () => {}
      : clock.every(SAMPLE_MS, () => {
          slowSamples = loopDelayP99Ms() > maxDelayMs ? slowSamples + 1 : 0;
        });
  return {
    enter(kind) {
      if (!judgePressure({ inFlight, queueDepth: queueDepth(), slowSamples }, deps, kind)) {
        const spreadMs = Math.round(fraction(chance) * (MAX_RETRY_MS - MIN_RETRY_MS));
        throw new TollgateError("OVERLOADED", { retryAfterMs: MIN_RETRY_MS + spreadMs });
      }
      inFlight += 1;
      let isIn = true;
      return () => {
        if (isIn) inFlight -= 1;
        isIn = false;
      };
    },
    inFlight: () => inFlight,
    stop,
  };
}
