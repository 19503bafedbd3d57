import { type Evidence, evidenceIn, type HeadersLike, headerIn, isObject } from "./errors.evidence.ts";
import { type ErrorType, type FieldFault, TollgateError } from "./errors.ts";
import { errorType } from "./errors.types.ts";

/** What is known beside the thing itself. */
export type Circumstances = {
  readonly status?: number;
  readonly headers?: HeadersLike;
  /** Whether the call had an `Authorization` header: tells what a 401 without a body means. */
  readonly hasCredential?: boolean;
  /** What was asked for: `POST /auth/login`. */
  readonly operation?: string | undefined;
  /** This device's time, milliseconds since the epoch. */
  readonly now?: number;
};

/**
 * Whatever went wrong, as one kind of error (U1). Takes an answer of the gateway, its body (text or parsed), or what
 * this client, `fetch`, the official clients of OpenAI and Anthropic, or the AI SDK have thrown. Never throws.
 */
export function parseTollgateError(response: Response, about?: Circumstances): Promise<TollgateError>;
export function parseTollgateError(thrown: unknown, about?: Circumstances): TollgateError;
export function parseTollgateError(thrown: unknown, about: Circumstances = {}) {
  if (!isResponse(thrown)) return errorFrom(thrown, about);
  const { status, headers } = thrown;
  const body = thrown.bodyUsed ? Promise.resolve("") : thrown.text().catch(() => "");
  return body.then((text) => errorFrom(text, { status, headers, ...about }));
}

/** Of whatever `fetch`: not every one has the global class. */
function isResponse(thrown: unknown): thrown is Response {
  return isObject(thrown) && typeof thrown.text === "function" && typeof thrown.bodyUsed === "boolean";
}

function errorFrom(thrown: unknown, about: Circumstances): TollgateError {
  const found = evidenceIn(thrown);
  const { known, said = {}, network } = found;
  if (known !== undefined) return known;
  const status = about.status ?? found.status ?? numberIn(said.status);
  const headers = about.headers ?? found.headers;
  const hasCredential = about.hasCredential ?? thrown instanceof Error;
  const code = textIn(said.code);
  const type = network ?? errorType({ code, status, word: textIn(said.type), hasCredential });
  const times = timesOf(textIn(said.resetAt), headers, about.now ?? Date.now());
  const fields = {
    type,
    code: code ?? type,
    status,
    message: messageIn(said, thrown),
    correlationId:
      textIn(said.correlationId) ?? headerIn(headers, "x-correlation-id") ?? headerIn(headers, "request-id"),
    operation: about.operation,
    ...times,
    ...detailsOf(type, said),
  };
  return new TollgateError(fields, thrown instanceof Error ? { cause: thrown } : undefined);
}

/** By `resetAt` and the gateway's clock, which `Date` shows to the second; else by what `Retry-After` asks for. */
function timesOf(resetAt: string | undefined, headers: HeadersLike | undefined, now: number) {
  const serverNow = Date.parse(headerIn(headers, "date") ?? "");
  const skewMs = Number.isNaN(serverNow) ? 0 : serverNow - now;
  const resetMs = Date.parse(resetAt ?? "");
  const askedMs = askedWaitMs(headers, now + skewMs);
  const waited = askedMs === undefined ? undefined : now + askedMs;
  const retryAt = Number.isNaN(resetMs) ? waited : resetMs - skewMs;
  const retryAfterSeconds = retryAt === undefined ? undefined : secondsUntil(retryAt, now);
  return { resetAt: Number.isNaN(resetMs) ? undefined : resetAt, retryAt, retryAfterSeconds };
}

/** Whole seconds, never less than what is left and never negative. */
export function secondsUntil(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / 1000));
}

/** What `retry-after-ms` or `Retry-After` (seconds, or a date by the gateway's clock) ask for, in milliseconds. */
export function askedWaitMs(headers: HeadersLike | undefined, serverNow: number): number | undefined {
  const ms = Number.parseFloat(headerIn(headers, "retry-after-ms") ?? "");
  if (Number.isFinite(ms)) return Math.max(0, ms);
  const asked = headerIn(headers, "retry-after")?.trim();
  if (asked === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(asked)) return Number(asked) * 1000;
  const at = Date.parse(asked);
  return Number.isNaN(at) ? undefined : Math.max(0, at - serverNow);
}

const TOLD = [
  "limit",
  "reason",
  "budget",
  "scope",
  "id",
  "period",
  "remaining_usd",
  "requiredScope",
  "model",
] as const;

function detailsOf(type: ErrorType, said: Evidence["said"] & object): Readonly<Record<string, unknown>> {
  const named = TOLD.flatMap((name) => (typeof said[name] === "string" ? [[name, said[name]]] : []));
  const details = type === "VALIDATION_FAILED" ? { details: faultsIn(said.details) } : {};
  return { ...Object.fromEntries(named), ...details };
}

/** On Anthropic's routes they are one level deeper. */
function faultsIn(details: unknown): readonly FieldFault[] {
  const faults = isObject(details) ? details.faults : details;
  if (!Array.isArray(faults)) return [];
  return faults
    .filter(isObject)
    .map(({ path, message }) => ({ path: String(path), message: String(message) }));
}

function messageIn(said: Evidence["said"] & object, thrown: unknown): string {
  const told = textIn(said.message) ?? textIn(said.detail);
  return told ?? (thrown instanceof Error ? thrown.message : "The request failed.");
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function numberIn(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
