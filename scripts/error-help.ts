import type { ErrorCode } from "../gateway/src/lib/errors.ts";

/** What whoever meets an error can do about it. */
export const errorHelp: Readonly<Record<ErrorCode, string>> = {
  BAD_REQUEST: "Send well-formed HTTP with a body that is JSON.",
  BAD_CREDENTIALS_HEADER:
    "Send one of `Authorization`, `x-api-key`, `api-key`, once, with nothing but the credential.",
  VALIDATION_FAILED: "Correct the fields that `details` names.",
  REQUEST_EXCEEDS_LIMIT: "Ask for less, or have the limit that `limit` names raised.",
  PROVIDER_REJECTED:
    "Read the message, which is the provider's as the status is (400, 404, 422), and change the request.",
  AUTH_REQUIRED: "Send a key or an access token; where only people may, sign in.",
  AUTH_INVALID: "Sign in again. A key: is it whole, of this server, and not ended or revoked (`keys show`)?",
  AUTH_AMBIGUOUS: "Send one key in one header.",
  BUDGET_EXCEEDED:
    "Ask for less output, wait for the next period, or have the budget raised (`budgets set`).",
  PRICE_UNKNOWN: "Take a model that has a price, or have one set (`prices set`).",
  SCOPE_MISSING: "Use a key that has `requiredScope`, or have the owner's role changed.",
  ADDRESS_NOT_ALLOWED: "Call from one of the key's networks, or change its `allowed_ips`.",
  MODEL_NOT_ALLOWED: "Take a model of `GET /v1/models`, or change the key's `allowed_models`.",
  FORBIDDEN: "Ask somebody with a higher role, or level in the project or team.",
  NOT_FOUND: "Check path and id. What one may not see answers the same.",
  MODEL_NOT_FOUND: "Take a model of `GET /v1/models`, or write it as `provider/model`.",
  METHOD_NOT_ALLOWED: "Use a method that the header `Allow` names.",
  NOT_ACCEPTABLE: "Ask as the message says.",
  REQUEST_TIMEOUT: "Send it again, without pauses.",
  EMAIL_TAKEN: "Sign in, or register with another address.",
  ACCOUNT_EXISTS: "Sign in with the password.",
  CONFLICT: "Read the message; take another name, or change what is there.",
  IDEMPOTENCY_CONFLICT: "Send a new key with a new request, the old one only with the same.",
  PAYLOAD_TOO_LARGE: "Send less, or raise `BODY_LIMIT_BYTES` or `AI_BODY_LIMIT_BYTES`.",
  URI_TOO_LONG: "Shorten the URL.",
  UNSUPPORTED_MEDIA_TYPE: "Send `Content-Type: application/json` and no `Content-Encoding`.",
  EXPECTATION_FAILED: "Leave the header `Expect` out.",
  RATE_LIMITED:
    "Wait as `Retry-After` says; `limit` says which limit it was ([how a client waits](guides/limits.md#how-a-client-waits)).",
  QUOTA_EXCEEDED: "Wait until `resetAt`, or have the key's quota raised.",
  COOLDOWN: "Wait until `resetAt`, and stop what was refused so often.",
  PROVIDER_RATE_LIMITED: "Wait as `Retry-After` says; an alias with several targets asks another.",
  HEADERS_TOO_LARGE: "Send fewer or shorter headers.",
  INTERNAL: "Tell the operator the `correlationId`: the log has the cause.",
  PROVIDER_FAILED: "Try again; if it stays, the operator finds the cause in the log by the `correlationId`.",
  OVERLOADED: "Wait as `Retry-After` says. Operators: more instances.",
  PROVIDER_UNAVAILABLE:
    "Wait as `Retry-After` says: its breaker is open. An alias with several targets asks another.",
  STORE_UNAVAILABLE: "Try again. Operators: is PostgreSQL (or Redis, with `fail_mode: closed`) there?",
  PROVIDER_TIMEOUT: "Try again, ask for less, or stream the answer. It may have been charged.",
};
