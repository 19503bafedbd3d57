import type { ErrorType } from "./errors.ts";

/** What a person reads about an error. In `action`, `{hint}` says when to try again. */
export type Text = {
  readonly title: string;
  readonly explanation: string;
  readonly action: string;
  /** In a badge or a status line. */
  readonly statusLabel: string;
};

/** When to try again. `{time}` is a length of time such as "45 seconds". */
export type Hints = { readonly in: string; readonly now: string; readonly later: string };

/** A sign-in that failed is AUTH_INVALID too, but no session has expired. */
export type TextName = ErrorType | "SIGN_IN_FAILED";

/** The texts of requirement U2. Their ellipses are part of them. */
export const englishTexts: Readonly<Record<TextName, Text>> = {
  AUTH_REQUIRED: {
    title: "Sign In Required",
    explanation: "You need to sign in to use the online assistant…",
    action: "Tap to sign in with Google.",
    statusLabel: "Sign In Required",
  },
  AUTH_INVALID: {
    title: "Session Expired",
    explanation: "Your session has expired or is no longer valid…",
    action: "Sign in again to continue.",
    statusLabel: "Session Expired",
  },
  SIGN_IN_FAILED: {
    title: "Sign In Failed",
    explanation: "These sign-in details were not accepted.",
    action: "Check them, then sign in again.",
    statusLabel: "Not Signed In",
  },
  RATE_LIMITED: {
    title: "Rate Limit Reached",
    explanation: "You have sent too many requests in a short time.",
    action: "{hint}",
    statusLabel: "Rate Limited",
  },
  QUOTA_EXCEEDED: {
    title: "Daily Quota Used Up",
    explanation: "All requests of today have been used.",
    action: "{hint}",
    statusLabel: "Quota Used Up",
  },
  COOLDOWN: {
    title: "Please Wait",
    explanation: "Too many requests were refused one after another.",
    action: "{hint}",
    statusLabel: "Paused",
  },
  BUDGET_EXCEEDED: {
    title: "Budget Exceeded",
    explanation: "The budget does not hold this request.",
    action: "Ask for less, or have the budget raised.",
    statusLabel: "Budget Exceeded",
  },
  SCOPE_MISSING: {
    title: "Permission Missing",
    explanation: "This credential lacks a permission that this needs.",
    action: "Use another key, or have the permission granted.",
    statusLabel: "Not Permitted",
  },
  FORBIDDEN: {
    title: "Not Allowed",
    explanation: "You may not do this.",
    action: "Ask an administrator for access.",
    statusLabel: "Not Allowed",
  },
  NOT_FOUND: {
    title: "Not Found",
    explanation: "There is no such thing here, or you may not see it.",
    action: "Check what you asked for.",
    statusLabel: "Not Found",
  },
  CONFLICT: {
    title: "Already There",
    explanation: "This conflicts with what is there already.",
    action: "Look at what is there, and change it instead.",
    statusLabel: "Conflict",
  },
  VALIDATION_FAILED: {
    title: "Request Not Understood",
    explanation: "Something in the request is not valid.",
    action: "Correct it, and send it again.",
    statusLabel: "Invalid Request",
  },
  OVERLOADED: {
    title: "Service Busy",
    explanation: "The service has more to do than it can at the moment.",
    action: "{hint}",
    statusLabel: "Busy",
  },
  PROVIDER_UNAVAILABLE: {
    title: "Assistant Not Available",
    explanation: "The AI provider does not answer at the moment.",
    action: "{hint}",
    statusLabel: "Unavailable",
  },
  NETWORK_TIMEOUT: {
    title: "No Answer in Time",
    explanation: "The service has not answered in time.",
    action: "{hint}",
    statusLabel: "Timed Out",
  },
  NETWORK_UNREACHABLE: {
    title: "No Connection",
    explanation: "The service cannot be reached.",
    action: "Check your connection, then try again.",
    statusLabel: "Offline",
  },
  ABORTED: {
    title: "Cancelled",
    explanation: "The request was cancelled.",
    action: "{hint}",
    statusLabel: "Cancelled",
  },
  UNREADABLE_ANSWER: {
    title: "Unexpected Answer",
    explanation: "Something else than the service has answered, or the answer is damaged.",
    action: "Check your connection, then try again.",
    statusLabel: "Unexpected Answer",
  },
  UNKNOWN: {
    title: "Something Went Wrong",
    explanation: "The service could not do this.",
    action: "{hint}",
    statusLabel: "Error",
  },
};

export const englishHints: Hints = {
  in: "Try again in {time}.",
  now: "You can try again now.",
  later: "Try again later.",
};
