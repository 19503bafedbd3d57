/**
 * Every error a caller can meet: one table, one class, codes that never change (E1, E2).
 * `type` is the word the official OpenAI client expects beside the code (E3).
 */
export type ErrorRow = {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  /** Trying again makes no sense, however long the wait. Else `x-should-retry` follows from the wait. */
  readonly retry?: false;
};

export const errors = {
  BAD_REQUEST: { status: 400, type: "invalid_request_error", message: "The request is not well formed." },
  BAD_CREDENTIALS_HEADER: {
    status: 400,
    type: "invalid_request_error",
    message: "Send exactly one well-formed credential header.",
  },
  VALIDATION_FAILED: {
    status: 400,
    type: "invalid_request_error",
    message: "The request has invalid fields; see details.",
  },
  REQUEST_EXCEEDS_LIMIT: {
    status: 400,
    type: "invalid_request_error",
    retry: false,
    message: "This request alone is larger than its limit allows, so it can never run.",
  },
  AUTH_REQUIRED: {
    status: 401,
    type: "invalid_request_error",
    message: "Sign in is required to use this feature.",
  },
  AUTH_INVALID: {
    status: 401,
    type: "invalid_request_error",
    message: "Your session is invalid or expired. Please sign in again.",
  },
  AUTH_AMBIGUOUS: {
    status: 401,
    type: "invalid_request_error",
    message: "Two different API keys were sent. Send one.",
  },
  BUDGET_EXCEEDED: {
    status: 402,
    type: "insufficient_quota",
    retry: false,
    message: "The budget does not hold this call. Raise the budget or ask for less output.",
  },
  PRICE_UNKNOWN: {
    status: 402,
    type: "insufficient_quota",
    retry: false,
    message: "This model has no price, and models without a price are denied here.",
  },
  SCOPE_MISSING: {
    status: 403,
    type: "permission_error",
    message: "This credential lacks the scope that this endpoint requires.",
  },
  ADDRESS_NOT_ALLOWED: {
    status: 403,
    type: "permission_error",
    message: "This API key may not be used from this address.",
  },
  MODEL_NOT_ALLOWED: {
    status: 403,
    type: "permission_error",
    message: "This API key may not use this model. GET /v1/models lists those that it may use.",
  },
  FORBIDDEN: { status: 403, type: "permission_error", message: "You may not do this." },
  NOT_FOUND: { status: 404, type: "invalid_request_error", message: "There is no such thing here." },
  MODEL_NOT_FOUND: {
    status: 404,
    type: "invalid_request_error",
    message: "No configured provider can take this model.",
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    type: "invalid_request_error",
    message: "This path does not take this method.",
  },
  NOT_ACCEPTABLE: {
    status: 406,
    type: "invalid_request_error",
    message: "Ask with 'Accept: text/event-stream', or upgrade to WebSocket.",
  },
  REQUEST_TIMEOUT: {
    status: 408,
    type: "invalid_request_error",
    message: "The request did not arrive in time.",
  },
  EMAIL_TAKEN: {
    status: 409,
    type: "invalid_request_error",
    retry: false,
    message: "Somebody has registered with this e-mail address already. Sign in instead.",
  },
  ACCOUNT_EXISTS: {
    status: 409,
    type: "invalid_request_error",
    retry: false,
    message: "There is an account with this e-mail address already. Sign in to it with its password.",
  },
  CONFLICT: { status: 409, type: "invalid_request_error", retry: false, message: "This already exists." },
  IDEMPOTENCY_CONFLICT: {
    status: 409,
    type: "invalid_request_error",
    retry: false,
    message: "This idempotency key was used for something else. Take another key.",
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    type: "invalid_request_error",
    message: "The request body is larger than this endpoint accepts.",
  },
  URI_TOO_LONG: { status: 414, type: "invalid_request_error", message: "The URL is too long." },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    type: "invalid_request_error",
    message: "Send the body as application/json, without content encoding.",
  },
  EXPECTATION_FAILED: {
    status: 417,
    type: "invalid_request_error",
    message: "Only 'Expect: 100-continue' is understood.",
  },
  RATE_LIMITED: {
    status: 429,
    type: "rate_limit_error",
    message: "Rate limit reached. Please try again later.",
  },
  QUOTA_EXCEEDED: {
    status: 429,
    type: "insufficient_quota",
    message: "The daily quota of this API key is used up.",
  },
  COOLDOWN: {
    status: 429,
    type: "rate_limit_error",
    message: "Too many refused requests. Please wait before the next one.",
  },
  PROVIDER_RATE_LIMITED: {
    status: 429,
    type: "rate_limit_error",
    message: "The AI provider is limiting its requests. Please try again later.",
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    type: "invalid_request_error",
    message: "The request headers are too large.",
  },
  /** The provider's own refusal (400, 404, 422), passed on with its status and message. */
  PROVIDER_REJECTED: {
    status: 400,
    type: "invalid_request_error",
    message: "The AI provider refused the request.",
  },
  INTERNAL: { status: 500, type: "api_error", message: "Something went wrong here. It has been logged." },
  PROVIDER_FAILED: {
    status: 502,
    type: "api_error",
    message: "The AI provider failed to answer. Please try again.",
  },
  OVERLOADED: {
    status: 503,
    type: "service_unavailable_error",
    message: "The service is busy. Please try again in a moment.",
  },
  PROVIDER_UNAVAILABLE: {
    status: 503,
    type: "server_error",
    message: "The AI provider is not available at the moment. Please try again later.",
  },
  STORE_UNAVAILABLE: {
    status: 503,
    type: "service_unavailable_error",
    message: "The service cannot reach its database at the moment. Please try again.",
  },
  PROVIDER_TIMEOUT: {
    status: 504,
    type: "timeout_error",
    message: "The AI provider did not answer in time.",
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errors;

/** An offending field: its path as `messages[0].role` (empty for the whole body), and what is wrong with it. */
export type FieldFault = { readonly path: string; readonly message: string };

/** `limit`: the id of the one that is reported; `violated`: of all that refused. */
type Waiting = {
  readonly limit: string;
  readonly violated?: readonly string[];
  readonly retryAfterMs: number;
  readonly resetAtMs: number;
};

/** What must be said beside the code. A code that is not listed takes no details. */
export type DetailsOf = {
  VALIDATION_FAILED: { readonly faults: readonly FieldFault[]; readonly param?: string };
  REQUEST_EXCEEDS_LIMIT: { readonly limit: string };
  SCOPE_MISSING: { readonly requiredScope: string };
  METHOD_NOT_ALLOWED: { readonly allow: readonly string[] };
  MODEL_NOT_FOUND: { readonly model: string };
  MODEL_NOT_ALLOWED: { readonly model: string };
  PRICE_UNKNOWN: { readonly model: string };
  BUDGET_EXCEEDED: {
    readonly budget: string;
    /** Whose budget it is: `user`, `project`, `team` or `key`. */
    readonly scope?: string;
    /** Of the user, project or team; of a key, its prefix. */
    readonly id?: string;
    /** `none`, `day`, `week` or `month`. */
    readonly period?: string;
    /** What is allocated and not spent; calls under way may hold of it. */
    readonly remaining_usd?: string;
    readonly resetAtMs?: number;
  };
  RATE_LIMITED: Waiting & { readonly reason?: "daily_quota" };
  QUOTA_EXCEEDED: Waiting;
  COOLDOWN: Waiting;
  PROVIDER_RATE_LIMITED: { readonly retryAfterMs: number | undefined };
  PROVIDER_REJECTED: { readonly status: number; readonly message: string; readonly param: string | null };
  OVERLOADED: { readonly retryAfterMs: number };
  PROVIDER_UNAVAILABLE: { readonly retryAfterMs: number; readonly resetAtMs?: number };
};

type Details<C extends ErrorCode> = C extends keyof DetailsOf ? DetailsOf[C] : undefined;
type DetailArgs<C extends ErrorCode> = C extends keyof DetailsOf
  ? [details: DetailsOf[C], options?: Options]
  : [details?: undefined, options?: Options];
/** `message` and `retry` say more than the table's, where one code has several causes. */
type Options = ErrorOptions & { readonly message?: string; readonly retry?: false };

/** A refusal or failure that a caller sees. `cause` is for the log and never leaves the house. */
export class TollgateError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "TollgateError";
  readonly code: C;
  readonly details: Details<C>;
  /** False: trying again makes no sense, however long the wait. */
  readonly retry: false | undefined;

  constructor(code: C, ...[details, options]: DetailArgs<C>) {
    super(options?.message ?? errors[code].message, options);
    this.code = code;
    this.details = details as Details<C>;
    const row: ErrorRow = errors[code];
    this.retry = options?.retry ?? row.retry;
  }

  get status(): number {
    return this.is("PROVIDER_REJECTED") ? this.details.status : errors[this.code].status;
  }

  /** What error handlers of Fastify apps look for. */
  get statusCode(): number {
    return this.status;
  }

  is<K extends ErrorCode>(code: K): this is TollgateError<K> {
    return (this.code as ErrorCode) === code;
  }
}
