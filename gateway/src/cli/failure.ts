import { CommanderError } from "commander";
import { TollgateError } from "../lib/errors.ts";
import { UsageError } from "./command.ts";

/** Exit codes of the command line. */
export const EXIT = { done: 0, failed: 1, usage: 2, checkFailed: 9 } as const;

/** Why a command came to nothing, as `--json` tells it. */
export type Failure = {
  /** `USAGE`, `FAILED`, or that of the error. */
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
};

/** A running server refused, or nothing like it was there. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  readonly code: string;
  readonly details: unknown;

  constructor(code: string, message: string, options: ErrorOptions & { readonly details?: unknown } = {}) {
    super(message, options);
    this.code = code;
    this.details = options.details;
  }
}

/** `isSaid`: whoever typed it has read it already. */
export function failureOf(error: unknown): Failure & { readonly isSaid?: boolean } {
  if (error instanceof CommanderError) {
    const message = error.code === "commander.help" ? "A command is missing." : error.message;
    return { code: "USAGE", message: message.replace(/^error: /, ""), isSaid: true };
  }
  if (error instanceof UsageError) return { code: "USAGE", message: error.message, details: error.faults };
  if (error instanceof TollgateError) {
    const details: unknown = error.is("VALIDATION_FAILED") ? error.details.faults : error.details;
    return { code: error.code, message: error.message, details };
  }
  if (error instanceof RemoteError) {
    return { code: error.code, message: error.message, details: error.details };
  }
  return { code: "FAILED", message: error instanceof Error ? error.message : String(error) };
}
