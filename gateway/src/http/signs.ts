import type { ErrorCode } from "../lib/errors.ts";
import type { Sign } from "../limits/abuse.ts";
import type { Endpoint } from "./endpoint.ts";

/** What a refusal is a sign of, should there be many (A6). Sign-ins have throttles of their own. */
export function signOf(code: ErrorCode | undefined, endpoint: Endpoint | undefined): Sign | undefined {
  const isForAnybody = endpoint === undefined || endpoint.access.credential === "nobody";
  switch (code) {
    case "AUTH_INVALID":
      return isForAnybody ? undefined : "invalidCredential";
    case "VALIDATION_FAILED":
    case "PAYLOAD_TOO_LARGE":
    case "UNSUPPORTED_MEDIA_TYPE":
      return "validationFailure";
    case "NOT_FOUND":
      return endpoint?.params === undefined ? undefined : "notFound";
    case "RATE_LIMITED":
    case "QUOTA_EXCEEDED":
      return isForAnybody ? undefined : "hammering";
    default:
      return undefined;
  }
}
