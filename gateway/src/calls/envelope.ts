import { type ErrorCode, errors, type TollgateError } from "../lib/errors.ts";
import { type Chance, fraction } from "../lib/ids.ts";
import type { Surface } from "../limits/headers.ts";
import { isDailyQuota, messageOf, shownOf } from "./envelope.shown.ts";

/** Longest wait that a client may be told to sit out by itself; beyond it clients hang or hammer. */
const LONGEST_RETRY_MS = 60_000;
/** What a 429 or 503 asks for when nobody knows how long it will last (A8). */
const USUAL_WAIT_MS = 1_000;
/** Daily quotas are all full again at midnight: whoever waits for it is asked to come within this time after it. */
const MIDNIGHT_SPREAD_MS = 30_000;

/** The one error body (E1), which the official client of the surface reads as well (E3). */
export function errorBody(
  error: TollgateError,
  correlationId: string,
  surface: Surface = "tollgate",
): string {
  const { code } = error;
  const message = messageOf(error);
  const { details, ...shown } = shownOf(error);
  if (surface === "anthropic") {
    const said = { type: anthropicType(error), message, code, correlationId, ...shown };
    const more = { error_code: anthropicCode(error), ...(details === undefined ? {} : { faults: details }) };
    return JSON.stringify({ type: "error", error: { ...said, details: more }, request_id: correlationId });
  }
  const type = isDailyQuota(error) ? errors.QUOTA_EXCEEDED.type : errors[code].type;
  return JSON.stringify({
    error: { code, message, type, param: paramOf(error), correlationId, ...shown, details },
  });
}

/** Anthropic's words for a status (reference, section 4.3); a status without one is our or the caller's fault. */
const anthropicTypes: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
};

function anthropicType({ code, status }: TollgateError): string {
  if (code === "OVERLOADED" || code === "PROVIDER_UNAVAILABLE") return "overloaded_error";
  return anthropicTypes[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
}

/** Codes that Anthropic's clients know by another word than ours in small letters. */
const anthropicCodes: Readonly<Partial<Record<ErrorCode, string>>> = {
  BUDGET_EXCEEDED: "spend_limit_reached",
};

function anthropicCode(error: TollgateError): string {
  const code = isDailyQuota(error) ? "QUOTA_EXCEEDED" : error.code;
  return anthropicCodes[code] ?? code.toLowerCase();
}

function paramOf(error: TollgateError): string | null {
  if (error.is("VALIDATION_FAILED")) return error.details.faults[0]?.path || null;
  if (error.is("PROVIDER_REJECTED")) return error.details.param;
  return error.is("MODEL_NOT_FOUND") || error.is("MODEL_NOT_ALLOWED") ? "model" : null;
}

/**
 * The headers that go with an error: how long to wait, and whether trying again makes sense at all. `chance` spreads
 * those who wait for midnight.
 */
export function errorHeaders(error: TollgateError, chance?: Chance): Record<string, string> {
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
    const isSpread = chance !== undefined && isDailyQuota(error);
    const toldMs = waitMs + (isSpread ? fraction(chance) * MIDNIGHT_SPREAD_MS : 0);
    headers["retry-after"] = String(Math.max(1, Math.ceil(toldMs / 1000)));
    headers["retry-after-ms"] = String(Math.max(1, Math.ceil(toldMs)));
  }
  const retry = shouldRetry(error, waitMs);
  if (retry !== undefined) headers["x-should-retry"] = String(retry);
  return headers;
}

function waitOf({ details, status, retry }: TollgateError): number | undefined {
  if (retry === false) return undefined;
  const known = details !== undefined && "retryAfterMs" in details ? details.retryAfterMs : undefined;
  return known ?? (status === 429 || status === 503 ? USUAL_WAIT_MS : undefined);
}

function shouldRetry(error: TollgateError, waitMs: number | undefined): boolean | undefined {
  if (error.retry === false || isDailyQuota(error)) return false;
  return waitMs === undefined ? undefined : waitMs <= LONGEST_RETRY_MS;
}
