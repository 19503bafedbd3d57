import type { FastifyRequest } from "fastify";
import type { ErrorCode } from "../lib/errors.ts";
import type { Sign } from "../limits/abuse.ts";
import type { Governed } from "./endpoint.ts";
import { addressOf, type LetInDeps } from "./let-in.ts";

/** What a refusal is a sign of, should there be many (A6). Sign-ins have throttles of their own. */
function signOf(code: ErrorCode | undefined, endpoint: Governed | undefined): Sign | undefined {
  const isForAnybody = endpoint === undefined || endpoint.access.credential === "nobody";
  switch (code) {
    case "AUTH_INVALID":
      return isForAnybody ? undefined : "invalidCredential";
    case "VALIDATION_FAILED":
    case "PAYLOAD_TOO_LARGE":
    case "UNSUPPORTED_MEDIA_TYPE":
      return "validationFailure";
    case "NOT_FOUND":
      return /[:*]/.test(endpoint?.path ?? "") ? "notFound" : undefined;
    case "RATE_LIMITED":
    case "QUOTA_EXCEEDED":
      return isForAnybody ? undefined : "hammering";
    default:
      return undefined;
  }
}

/** Counts what a request was refused with against whoever earned it. */
export function noteSign(deps: Pick<LetInDeps, "abuse" | "trustedProxies">, request: FastifyRequest): void {
  if (request.tollgateTrace?.code === undefined) return;
  const { code, limit, visitor } = request.tollgateTrace;
  const sign = signOf(code, request.routeOptions.config.tollgateRow);
  if (sign === undefined) return;
  deps.abuse.note(sign, {
    principal: visitor?.principal,
    address: addressOf(deps, request),
    limit,
    askedAt: request.tollgateTrace.startedAt,
  });
}
