/** What an application tells apart. The gateway's own `code` is finer, and stands beside it. */
export type ErrorType =
  | "AUTH_REQUIRED"
  | "AUTH_INVALID"
  | "RATE_LIMITED"
  | "QUOTA_EXCEEDED"
  | "COOLDOWN"
  | "BUDGET_EXCEEDED"
  | "SCOPE_MISSING"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "CONFLICT"
  | "VALIDATION_FAILED"
  | "OVERLOADED"
  | "PROVIDER_UNAVAILABLE"
  | "NETWORK_TIMEOUT"
  | "NETWORK_UNREACHABLE"
  | "ABORTED"
  /** Something has answered, but not as the gateway does: a login page, damaged JSON. */
  | "UNREADABLE_ANSWER"
  | "UNKNOWN";

/** What every error says. */
export type ErrorFields = {
  readonly type: ErrorType;
  /** The gateway's code, which never changes; without an answer of the gateway the same as `type`. */
  readonly code: string;
  readonly message: string;
  /** Undefined: there was no answer. */
  readonly status: number | undefined;
  readonly correlationId: string | undefined;
  /** What this client was asked for, if the gateway refused it: `POST /auth/login`. */
  readonly operation: string | undefined;
  /** ISO 8601, by the gateway's clock. */
  readonly resetAt: string | undefined;
  /** The same time by this device's clock, milliseconds since the epoch. */
  readonly retryAt: number | undefined;
  /** Whole seconds from the moment at which the error was read; 0 if that time has come. */
  readonly retryAfterSeconds: number | undefined;
};

/** An offending field: its path as `messages[0].role` (empty for the whole body), and what is wrong with it. */
export type FieldFault = { readonly path: string; readonly message: string };

/** What an error of a type says besides. */
export type DetailsOf = {
  RATE_LIMITED: { readonly limit?: string; readonly reason?: string };
  QUOTA_EXCEEDED: { readonly limit?: string; readonly reason?: string };
  COOLDOWN: { readonly limit?: string; readonly reason?: string };
  /** Whose budget it is, and what is left of it in USD; who may not see that gets neither `id` nor `remaining_usd`. */
  BUDGET_EXCEEDED: {
    readonly budget?: string;
    readonly scope?: string;
    readonly id?: string;
    readonly period?: string;
    readonly remaining_usd?: string;
  };
  SCOPE_MISSING: { readonly requiredScope?: string };
  FORBIDDEN: { readonly model?: string };
  NOT_FOUND: { readonly model?: string };
  VALIDATION_FAILED: { readonly details: readonly FieldFault[] };
};

class Failure extends Error {
  declare readonly type: ErrorType;
  declare readonly code: string;
  declare readonly status: number | undefined;
  declare readonly correlationId: string | undefined;
  declare readonly operation: string | undefined;
  declare readonly resetAt: string | undefined;
  declare readonly retryAt: number | undefined;
  declare readonly retryAfterSeconds: number | undefined;

  constructor({ message, ...fields }: ErrorFields, options?: ErrorOptions) {
    super(message, options);
    this.name = "TollgateError";
    Object.assign(this, fields);
  }
}

/** What went wrong, told apart by `type`. */
export type TollgateError<T extends ErrorType = ErrorType> = T extends ErrorType
  ? Failure & { readonly type: T } & (T extends keyof DetailsOf ? DetailsOf[T] : unknown)
  : never;

/** For `instanceof`. */
export const TollgateError = Failure as unknown as {
  readonly prototype: TollgateError;
  new (fields: ErrorFields, options?: ErrorOptions): TollgateError;
};

/** Of a call that had no answer. */
export function networkError(
  type: "NETWORK_TIMEOUT" | "NETWORK_UNREACHABLE",
  message: string,
  cause?: unknown,
): TollgateError {
  return new TollgateError({ ...unknown, type, code: type, message }, { cause });
}

/** Of an answer that is not what the gateway answers. */
export function unreadableAnswer(
  { status, headers }: Pick<Response, "status" | "headers">,
  message: string,
  cause?: unknown,
): TollgateError {
  const type = "UNREADABLE_ANSWER";
  const correlationId = headers.get("x-correlation-id") ?? undefined;
  return new TollgateError({ ...unknown, type, code: type, message, status, correlationId }, { cause });
}

const unknown = {
  status: undefined,
  correlationId: undefined,
  operation: undefined,
  resetAt: undefined,
  retryAt: undefined,
  retryAfterSeconds: undefined,
};
