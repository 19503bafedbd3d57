import type { TollgateError } from "./errors.ts";

/** A request is about to be sent again. */
export type Retry = {
  /** 1 for the first time that it is sent again. */
  readonly attempt: number;
  readonly waitMs: number;
  /** Why. */
  readonly error: TollgateError;
};

/** How long a call may take, and how often it is tried. Times are in milliseconds. */
export type Patience = {
  /**
   * Longest silence: until an answer begins, then between any two parts of it. No wait before another attempt is longer.
   * Default ten minutes, for a model may think that long.
   */
  readonly timeoutMs?: number | undefined;
  /** From the call to the end of its answer, with every attempt and wait; default none. */
  readonly deadlineMs?: number | undefined;
  /** How often a request is sent again; default 2. */
  readonly maxRetries?: number | undefined;
  /**
   * Longest wait before it is sent again; default five seconds. A refusal that asks for more is thrown at once, so that
   * a person can be told when to come back.
   */
  readonly maxRetryWaitMs?: number | undefined;
  /** Told before each such wait. */
  readonly onRetry?: ((retry: Retry) => void) | undefined;
};

export type WholePatience = {
  readonly [name in keyof Patience]-?: name extends "onRetry" ? Patience[name] : number;
};

const usual: WholePatience = {
  timeoutMs: 600_000,
  deadlineMs: Number.POSITIVE_INFINITY,
  maxRetries: 2,
  maxRetryWaitMs: 5_000,
  onRetry: undefined,
};

/** What is left open is as the defaults say. */
export function patienceOf(asked: Patience, defaults: WholePatience = usual): WholePatience {
  return {
    timeoutMs: asked.timeoutMs ?? defaults.timeoutMs,
    deadlineMs: asked.deadlineMs ?? defaults.deadlineMs,
    maxRetries: asked.maxRetries ?? defaults.maxRetries,
    maxRetryWaitMs: asked.maxRetryWaitMs ?? defaults.maxRetryWaitMs,
    onRetry: asked.onRetry ?? defaults.onRetry,
  };
}
