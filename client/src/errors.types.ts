import type { ErrorType } from "./errors.ts";

/** Every code of the gateway. */
const typeOfCode: Readonly<Record<string, ErrorType>> = {
  BAD_REQUEST: "VALIDATION_FAILED",
  BAD_CREDENTIALS_HEADER: "VALIDATION_FAILED",
  VALIDATION_FAILED: "VALIDATION_FAILED",
  REQUEST_EXCEEDS_LIMIT: "VALIDATION_FAILED",
  AUTH_REQUIRED: "AUTH_REQUIRED",
  AUTH_INVALID: "AUTH_INVALID",
  AUTH_AMBIGUOUS: "VALIDATION_FAILED",
  BUDGET_EXCEEDED: "BUDGET_EXCEEDED",
  PRICE_UNKNOWN: "FORBIDDEN",
  SCOPE_MISSING: "SCOPE_MISSING",
  ADDRESS_NOT_ALLOWED: "FORBIDDEN",
  MODEL_NOT_ALLOWED: "FORBIDDEN",
  FORBIDDEN: "FORBIDDEN",
  NOT_FOUND: "NOT_FOUND",
  MODEL_NOT_FOUND: "NOT_FOUND",
  METHOD_NOT_ALLOWED: "VALIDATION_FAILED",
  NOT_ACCEPTABLE: "VALIDATION_FAILED",
  REQUEST_TIMEOUT: "NETWORK_TIMEOUT",
  EMAIL_TAKEN: "CONFLICT",
  ACCOUNT_EXISTS: "CONFLICT",
  CONFLICT: "CONFLICT",
  IDEMPOTENCY_CONFLICT: "CONFLICT",
  PAYLOAD_TOO_LARGE: "VALIDATION_FAILED",
  URI_TOO_LONG: "VALIDATION_FAILED",
  UNSUPPORTED_MEDIA_TYPE: "VALIDATION_FAILED",
  EXPECTATION_FAILED: "VALIDATION_FAILED",
  RATE_LIMITED: "RATE_LIMITED",
  QUOTA_EXCEEDED: "QUOTA_EXCEEDED",
  COOLDOWN: "COOLDOWN",
  PROVIDER_RATE_LIMITED: "RATE_LIMITED",
  HEADERS_TOO_LARGE: "VALIDATION_FAILED",
  PROVIDER_REJECTED: "VALIDATION_FAILED",
  INTERNAL: "UNKNOWN",
  PROVIDER_FAILED: "PROVIDER_UNAVAILABLE",
  OVERLOADED: "OVERLOADED",
  PROVIDER_UNAVAILABLE: "PROVIDER_UNAVAILABLE",
  STORE_UNAVAILABLE: "OVERLOADED",
  PROVIDER_TIMEOUT: "PROVIDER_UNAVAILABLE",
};

const typeOfStatus: Readonly<Record<number, ErrorType>> = {
  402: "BUDGET_EXCEEDED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  408: "NETWORK_TIMEOUT",
  409: "CONFLICT",
  410: "NOT_FOUND",
  429: "RATE_LIMITED",
  502: "PROVIDER_UNAVAILABLE",
  503: "OVERLOADED",
  504: "PROVIDER_UNAVAILABLE",
};

/** Words of providers, whose errors in the middle of a stream are passed on as they are. */
const typeOfWord: Readonly<Record<string, ErrorType>> = {
  api_error: "PROVIDER_UNAVAILABLE",
  server_error: "PROVIDER_UNAVAILABLE",
  overloaded_error: "PROVIDER_UNAVAILABLE",
  timeout_error: "PROVIDER_UNAVAILABLE",
  rate_limit_error: "RATE_LIMITED",
  invalid_request_error: "VALIDATION_FAILED",
};

/** What an error says, as far as its type follows from it. */
export type Told = {
  readonly code: string | undefined;
  readonly status: number | undefined;
  /** `error.type`, as the official clients read it. */
  readonly word: string | undefined;
  readonly hasCredential: boolean;
};

/** By its code; else by its status, where a 401 depends on whether a credential was sent at all; else by a word. */
export function errorType({ code, status, word, hasCredential }: Told): ErrorType {
  if (code !== undefined && Object.hasOwn(typeOfCode, code)) return typeOfCode[code]!;
  if (status === undefined) return Object.hasOwn(typeOfWord, word ?? "") ? typeOfWord[word!]! : "UNKNOWN";
  if (status === 401) return hasCredential ? "AUTH_INVALID" : "AUTH_REQUIRED";
  return typeOfStatus[status] ?? (status >= 400 && status < 500 ? "VALIDATION_FAILED" : "UNKNOWN");
}
