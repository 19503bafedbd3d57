import { type Clock, nextTurn } from "../lib/clock.ts";
import type { Exchange, ExchangeEvents, ExchangeFailure, OriginOptions } from "../lib/fetch.ts";
import type { Provider } from "./provider.ts";
import { simulatedModels } from "./simulated.models.ts";
import { chatScript, refused, type Script } from "./simulated.script.ts";

/** What the simulated provider would bill: its side of the story. */
export type SimulatedCall = {
  readonly id: string;
  readonly model: string;
  readonly status: number;
  /** The whole prompt once the head was sent; 0 before. */
  readonly promptTokens: number;
  /** The part of the prompt that was cached. */
  readonly cachedTokens: number;
  /** Tokens of what was sent until the end, the break or the abort. */
  readonly outputTokens: number;
  readonly aborted: boolean;
};

export type SimulatedOptions = {
  readonly clock: Clock;
  /** As the network would keep them; without them it waits for ever. */
  readonly timeouts?: Pick<OriginOptions, "headersTimeoutMs" | "bodyTimeoutMs">;
  /** Told once per call, when it is over. */
  readonly log?: (call: SimulatedCall) => void;
};

/** A provider that needs no key and no network and speaks OpenAI's wire format. `simulatedModels` says what it can do. */
export function simulated({ clock, timeouts, log }: SimulatedOptions): Provider {
  const open = new Set<Playback>();
  return {
    name: "simulated",
    simulated: true,
    dialect: "openai",
    reportsStreamUsage: true,
    models: simulatedModels.map(({ example }) => example),
    send({ path, body }, events) {
      const script = path === "/chat/completions" ? chatScript(body) : refused("", body, UNKNOWN_PATH, 0);
      const playback = new Playback(script, clock, timeouts ?? FOR_EVER, events, (call) => {
        open.delete(playback);
        log?.(call);
      });
      open.add(playback);
      return playback;
    },
    async close() {
      for (const playback of open) playback.break(new Error("the provider was closed"));
    },
  };
}

const FOR_EVER = { headersTimeoutMs: Number.POSITIVE_INFINITY, bodyTimeoutMs: Number.POSITIVE_INFINITY };
const UNKNOWN_PATH = { status: 404, type: "invalid_request_error", code: null, message: "Unknown path." };

/** Plays a script to a listener, step by step. */
class Playback implements Exchange {
  readonly #script: Script;
  readonly #clock: Clock;
  readonly #bodyTimeoutMs: number;
  readonly #log: (call: SimulatedCall) => void;
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
    timeouts: { readonly headersTimeoutMs: number; readonly bodyTimeoutMs: number },
    events: ExchangeEvents,
    log: (call: SimulatedCall) => void,
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
    const { id, model, status, promptTokens, cachedTokens } = this.#script;
    const billed = this.#begun ? { promptTokens, cachedTokens } : { promptTokens: 0, cachedTokens: 0 };
    this.#log({ id, model, status, ...billed, outputTokens: this.#outputTokens, aborted });
    return events;
  }
}
