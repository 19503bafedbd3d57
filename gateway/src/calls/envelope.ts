import { isoTime } from "../lib/clock.ts";
import { type DetailsOf, type ErrorRow, errors, type TollgateError } from "../lib/errors.ts";

/** Longest wait that a client may be told to sit out by itself; beyond it clients hang or hammer. */
const LONGEST_RETRY_MS = 60_000;
/** What a 429 or 503 asks for when nobody knows how long it will last (A8). */
const USUAL_WAIT_MS = 1_000;

/** The one error body (E1), which the official OpenAI client reads as well (E3). */
export function errorBody(error: TollgateError, correlationId: string): string {
  const { code, details } = error;
  const row = errors[code];
  return JSON.stringify({
    error: {
      code,
      message: error.is("PROVIDER_REJECTED") ? error.details.message : error.message,
      type: row.type,
      param: paramOf(error),
      correlationId,
      ...shownDetails(error),
      ...(isWaiting(details) ? { resetAt: isoTime(details.resetAtMs) } : {}),
    },
  });
}

function shownDetails(error: TollgateError): object {
  if (error.is("VALIDATION_FAILED")) return { details: error.details.faults };
  if (error.is("SCOPE_MISSING")) return { requiredScope: error.details.requiredScope };
  if (error.is("RATE_LIMITED")) {
    const { limit, reason } = error.details;
    return reason === undefined ? { limit } : { limit, reason };
  }
  if (error.is("QUOTA_EXCEEDED") || error.is("REQUEST_EXCEEDS_LIMIT")) return { limit: error.details.limit };
  if (error.is("BUDGET_EXCEEDED")) return { budget: error.details.budget };
  if (error.is("MODEL_NOT_FOUND") || error.is("MODEL_NOT_ALLOWED") || error.is("PRICE_UNKNOWN")) {
    return { model: error.details.model };
  }
  return {};
}

function paramOf(error: TollgateError): string | null {
  if (error.is("VALIDATION_FAILED")) return error.details.faults[0]?.path || null;
  if (error.is("PROVIDER_REJECTED")) return error.details.param;
  return error.is("MODEL_NOT_FOUND") || error.is("MODEL_NOT_ALLOWED") ? "model" : null;
}

/** The headers that go with an error: how long to wait, and whether trying again makes sense at all. */
export function errorHeaders(error: TollgateError): Record<string, string> {
  const headers: Record<string, string> = {};
  if (error.is("METHOD_NOT_ALLOWED")) headers.allow = error.details.allow.join(", ");
  if (error.status === 401) {
    headers["www-authenticate"] =
      error.code === "AUTH_REQUIRED"
        ? 'Bearer realm="tollgate"'
        : 'Bearer realm="tollgate", error="invalid_token"';
  }
  const waitMs = waitOf(error);
  if (waitMs !== undefined) {
    headers["retry-after"] = String(Math.max(1, Math.ceil(waitMs / 1000)));
    headers["retry-after-ms"] = String(Math.max(1, Math.ceil(waitMs)));
  }
  const retry = shouldRetry(error, waitMs);
  if (retry !== undefined) headers["x-should-retry"] = String(retry);
  return headers;
}

function waitOf({ details, status }: TollgateError): number | undefined {
  const known = details !== undefined && "retryAfterMs" in details ? details.retryAfterMs : undefined;
  return known ?? (status === 429 || status === 503 ? USUAL_WAIT_MS : undefined);
}

function shouldRetry(error: TollgateError, waitMs: number | undefined): boolean | undefined {
  const row: ErrorRow = errors[error.code];
  if (row.retry === false || error.is("QUOTA_EXCEEDED")) return false;
  if (error.is("RATE_LIMITED") && error.details.reason === "daily_quota") return false;
  return waitMs === undefined ? undefined : waitMs <= LONGEST_RETRY_MS;
}

function isWaiting(details: unknown): details is DetailsOf["QUOTA_EXCEEDED"] {
  return typeof details === "object" && details !== null && "resetAtMs" in details;
}
