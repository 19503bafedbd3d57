import type { IncomingHttpHeaders } from "node:http";
import { TollgateError } from "../lib/errors.ts";

export function oneHeader(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}

/** The operation that the caller names; throws VALIDATION_FAILED. */
export function operationNamed(headers: IncomingHttpHeaders): string | undefined {
  const named = oneHeader(headers["x-operation"]);
  if (named === undefined || /^[a-z0-9._-]{1,64}$/.test(named)) return named;
  throw invalidHeader("X-Operation", "must be 1 to 64 of a-z 0-9 . _ -");
}

/** The project that the caller names to pay; throws VALIDATION_FAILED. */
export function projectNamed(headers: IncomingHttpHeaders): number | undefined {
  const named = oneHeader(headers["x-project-id"]);
  if (named === undefined) return undefined;
  if (/^[1-9]\d{0,14}$/.test(named)) return Number(named);
  throw invalidHeader("X-Project-Id", "must be the number of a project");
}

function invalidHeader(path: string, message: string): TollgateError {
  return new TollgateError("VALIDATION_FAILED", { faults: [{ path, message }] });
}
