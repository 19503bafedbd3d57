import type { ExchangeFailure } from "../lib/fetch.ts";
import { type Fault, UsageError } from "./command.ts";
import { RemoteError } from "./failure.ts";
import type { Server } from "./remote.ts";

/** What a running server says of what went wrong. */
export type ErrorBody = {
  readonly code: string;
  readonly message: string;
  readonly details?: readonly Fault[];
};

/** Why a server did not run a command: UsageError for what it finds wrong with the input, else RemoteError. */
export function refusal({ url, door }: Server, status: number, body: ErrorBody | undefined): Error {
  if (typeof body?.code !== "string" || typeof body.message !== "string") {
    const what = `What answers at ${url} is no Tollgate: it said ${status}, and not as Tollgate does.`;
    return new RemoteError("FAILED", `${what} Check --url or TOLLGATE_URL.`);
  }
  const { code, message } = body;
  if (code === "VALIDATION_FAILED") {
    const faults = body.details ?? [];
    if (faults.some(({ path }) => path !== "")) return UsageError.of(faults);
    return new UsageError(faults.map((fault) => fault.message).join("\n") || message);
  }
  const { code: _, message: __, type, param, correlationId, ...rest } = body as Record<string, unknown>;
  const details = Object.keys(rest).length === 0 ? undefined : rest;
  return new RemoteError(code, adviceOf(url, door, status, message), { details });
}

function adviceOf(url: string, door: Server["door"], status: number, message: string): string {
  if (door === "operator") {
    return status === 401 || status === 403
      ? `The running server does not accept the operator's token of its data folder: ${message}`
      : message;
  }
  if (status === 404 && /\/v1\/?$/.test(url)) {
    return `There are no commands at ${url}: give the address of the server without /v1.`;
  }
  if (status === 401) {
    return `${url} does not accept TOLLGATE_TOKEN: ${message} It takes an administrator's API key or access token.`;
  }
  if (status === 403) {
    return `${url} refuses to run commands for the owner of TOLLGATE_TOKEN: ${message} It takes an administrator, and a key with the scope admin:*.`;
  }
  return message;
}

/** Why there is no answer. */
export function unreachable(url: string, { kind, cause }: ExchangeFailure, limitMs: number): RemoteError {
  const why = {
    connect: `Nothing answers at ${url} (${reasonOf(cause)}). Is the server running, and the address right?`,
    timeout: `${url} has not answered for ${limitMs / 60_000} minutes. What was asked may still be done.`,
    cut: `${url} broke the connection (${reasonOf(cause)}). What was asked may have been done: look before you repeat it.`,
  };
  return new RemoteError("UNREACHABLE", why[kind], { cause });
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
}
