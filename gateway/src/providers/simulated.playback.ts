import { type Clock, nextTurn } from "../lib/clock.ts";
import type { Exchange, ExchangeEvents, ExchangeFailure, OriginOptions } from "../lib/fetch.ts";
import type { Script } from "./simulated.script.ts";

export type Timeouts = Pick<OriginOptions, "headersTimeoutMs" | "bodyTimeoutMs">;

/** How much of a script was played. `outputTokens`: of what was sent until the end, the break or the abort. */
export type Played = {
  readonly hasBegun: boolean;
  readonly outputTokens: number;
  readonly aborted: boolean;
};

/** Plays a script to a listener, step by step. */
export class Playback implements Exchange {
  readonly #script: Script;
  readonly #clock: Clock;
  readonly #bodyTimeoutMs: number;
  readonly #log: (played: Played) => void;
  /** Undefined once it is over. */
  #events: ExchangeEvents | undefined;
  #callOff = (): void => {};
  #next = 0;
  #waited = false;
  #begun = false;
  #played = false;
  #outputTokens = 0;
  #paused = false;
  /** A wait or a run of steps is under way and goes on by itself. */
  #busy = true;

  constructor(
    script: Script,
    clock: Clock,
    timeouts: Timeouts,
    events: ExchangeEvents,
    log: (played: Played) => void,
  ) {
    this.#script = script;
    this.#clock = clock;
    this.#bodyTimeoutMs = timeouts.bodyTimeoutMs;
    this.#events = events;
    this.#log = log;
    this.#wait(script.headAfterMs ?? Number.POSITIVE_INFINITY, timeouts.headersTimeoutMs, () => this.#play());
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    queueMicrotask(() => {
      if (!this.#busy) this.#play();
    });
  }

  readonly wasSent = true;

  abort(): void {
    this.#over(!this.#played);
  }

  /** In a microtask, so that it comes from inside no call and no listener. */
  break(cause: unknown, kind: ExchangeFailure["kind"] = "cut"): void {
    queueMicrotask(() => this.#over(false)?.fail({ kind, cause }));
  }

  #play(): void {
    const events = this.#events;
    if (events === undefined) return;
    this.#busy = true;
    try {
      this.#busy = this.#playSteps(events);
    } catch (cause) {
      this.break(cause);
    }
  }

  /** Plays until it is paused, waits or is over. True if it goes on by itself. */
  #playSteps(events: ExchangeEvents): boolean {
    if (!this.#begun) {
      this.#begun = true;
      events.head(this.#script.status, this.#script.headers);
    }
    while (this.#events !== undefined && !this.#paused) {
      const step = this.#script.steps[this.#next];
      if (step === undefined) {
        this.#played = true;
        events.end();
        this.#over(false);
        break;
      }
      if (step.afterMs > 0 && !this.#waited) {
        this.#wait(step.afterMs, this.#bodyTimeoutMs, () => {
          this.#waited = true;
          this.#play();
        });
        return true;
      }
      this.#waited = false;
      this.#next++;
      this.#outputTokens += step.tokens;
      if ("cut" in step) {
        this.break(new Error("the simulated connection broke"));
        return true;
      }
      events.chunk(step.bytes);
    }
    return false;
  }

  /** Never in this turn, so that no event comes from inside `send`. */
  #wait(ms: number, timeoutMs: number, run: () => void): void {
    if (ms === 0) {
      nextTurn(run);
    } else if (ms < timeoutMs) {
      this.#callOff = this.#clock.after(ms, run);
    } else if (timeoutMs !== Number.POSITIVE_INFINITY) {
      const cause = new Error(`the simulated provider was silent for ${timeoutMs} ms`);
      this.#callOff = this.#clock.after(timeoutMs, () => this.break(cause, "timeout"));
    }
  }

  /** Ends it; answers the listener, if it was still listening. */
  #over(aborted: boolean): ExchangeEvents | undefined {
    const events = this.#events;
    if (events === undefined) return undefined;
    this.#events = undefined;
    this.#callOff();
    this.#log({ hasBegun: this.#begun, outputTokens: this.#outputTokens, aborted });
    return events;
  }
}
