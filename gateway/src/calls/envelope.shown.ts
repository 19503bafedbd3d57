import { isoTime } from "../lib/clock.ts";
import type { FieldFault, TollgateError } from "../lib/errors.ts";

/** What an error says beside its code and message, whatever the form of the body. */
export type Shown = {
  readonly limit?: string;
  /** The ids of all limits that refused. */
  readonly violated?: readonly string[];
  readonly reason?: "daily_quota";
  readonly resetAt?: string;
  readonly requiredScope?: string;
  readonly budget?: string;
  /** Of the budget: whose it is, and what remains of it. */
  readonly scope?: string;
  readonly id?: string;
  readonly period?: string;
  readonly remaining_usd?: string;
  readonly model?: string;
  readonly details?: readonly FieldFault[];
};

export function shownOf(error: TollgateError): Shown {
  if (error.is("VALIDATION_FAILED")) return { details: error.details.faults };
  if (error.is("SCOPE_MISSING")) return { requiredScope: error.details.requiredScope };
  if (error.is("REQUEST_EXCEEDS_LIMIT")) return { limit: error.details.limit };
  if (error.is("BUDGET_EXCEEDED")) {
    const { resetAtMs, ...shown } = error.details;
    return resetAtMs === undefined ? shown : { ...shown, resetAt: isoTime(resetAtMs) };
  }
  if (error.is("MODEL_NOT_FOUND") || error.is("MODEL_NOT_ALLOWED") || error.is("PRICE_UNKNOWN")) {
    return { model: error.details.model };
  }
  if (error.is("RATE_LIMITED") || error.is("QUOTA_EXCEEDED") || error.is("COOLDOWN")) {
    const { retryAfterMs: _, resetAtMs, ...shown } = error.details;
    return { ...shown, resetAt: isoTime(resetAtMs) };
  }
  if (error.is("PROVIDER_UNAVAILABLE") && error.details.resetAtMs !== undefined) {
    return { resetAt: isoTime(error.details.resetAtMs) };
  }
  return {};
}

/** The sentence for the person who reads it. */
export function messageOf(error: TollgateError): string {
  return error.is("PROVIDER_REJECTED") ? error.details.message : error.message;
}

export function isDailyQuota(error: TollgateError): boolean {
  return error.is("QUOTA_EXCEEDED") || (error.is("RATE_LIMITED") && error.details.reason === "daily_quota");
}
