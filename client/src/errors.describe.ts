import { parseTollgateError, secondsUntil } from "./errors.parse.ts";
import { englishHints, englishTexts, type Hints, type Text, type TextName } from "./errors.texts.ts";
import type { ErrorType, TollgateError } from "./errors.ts";

export type Description = Text & {
  /** Whether a button that repeats the request makes sense, at this moment. */
  readonly showRetry: boolean;
  /** Undefined: nobody knows; 0: the time has come. */
  readonly retryAfterSeconds: number | undefined;
};

export type DescribeOptions = {
  /** This device's time; default the present. */
  readonly now?: Date | number;
  /** Texts in place of the English ones; what is not given stays as it is. */
  readonly messages?: { readonly [name in TextName]?: Partial<Text> } & { readonly hints?: Partial<Hints> };
  /** How `{time}` is written: `de`; default `en`. */
  readonly locale?: string;
};

/** Repeating the same makes no sense for the others. */
const mayPass: ReadonlySet<ErrorType> = new Set<ErrorType>([
  "RATE_LIMITED",
  "QUOTA_EXCEEDED",
  "COOLDOWN",
  "OVERLOADED",
  "PROVIDER_UNAVAILABLE",
  "NETWORK_TIMEOUT",
  "NETWORK_UNREACHABLE",
  "ABORTED",
  "UNREADABLE_ANSWER",
  "UNKNOWN",
]);

/** Who waits for something known only sees a button once it has come; the others may try at any time. */
const waits: ReadonlySet<ErrorType> = new Set<ErrorType>(["RATE_LIMITED", "QUOTA_EXCEEDED", "COOLDOWN"]);

/** What to show a person (U2). Takes whatever `parseTollgateError` takes, but for a `Response`. Pure. */
export function describeError(error: unknown, options: DescribeOptions = {}): Description {
  const { messages = {}, locale = "en" } = options;
  const now = Number(options.now ?? Date.now());
  const parsed = parseTollgateError(error, { now });
  const { type, retryAt } = parsed;
  const name = textName(parsed);
  const text = { ...englishTexts[name], ...messages[name] };
  const left = retryAt === undefined ? undefined : secondsUntil(retryAt, now);
  const hint = hintOf(type, left, { ...englishHints, ...messages.hints }, locale);
  return {
    ...text,
    action: text.action.replace("{hint}", () => hint),
    showRetry: mayPass.has(type) && (left ?? 0) === 0,
    retryAfterSeconds: left,
  };
}

/** For who is not signed in yet. */
const signIns: ReadonlySet<string> = new Set([
  "POST /auth/login",
  "POST /v1/auth/google",
  "POST /auth/setup",
]);

function textName({ type, operation }: TollgateError): TextName {
  return type === "AUTH_INVALID" && signIns.has(operation ?? "") ? "SIGN_IN_FAILED" : type;
}

function hintOf(type: ErrorType, left: number | undefined, hints: Hints, locale: string): string {
  if (left === undefined) return waits.has(type) ? hints.later : hints.now;
  return left === 0 ? hints.now : hints.in.replace("{time}", () => lengthOf(left, locale));
}

const units = [
  { unit: "day", seconds: 86_400 },
  { unit: "hour", seconds: 3_600 },
  { unit: "minute", seconds: 60 },
] as const;

/** In the largest unit of which there are at least two, rounded up: "45 seconds", "2 hours". */
function lengthOf(seconds: number, locale: string): string {
  const { unit, seconds: size } = units.find((one) => seconds >= 2 * one.seconds) ?? {
    unit: "second",
    seconds: 1,
  };
  const format = new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" });
  return format.format(Math.ceil(seconds / size));
}
