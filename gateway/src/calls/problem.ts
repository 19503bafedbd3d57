import { errors, type TollgateError } from "../lib/errors.ts";
import { messageOf, shownOf } from "./envelope.shown.ts";

export const PROBLEM_TYPE = "application/problem+json";

/** An error as RFC 9457 has it. `type` names the code and is no address: it stays the same wherever Tollgate runs. */
export function problemBody(error: TollgateError, correlationId: string): string {
  const { code, status } = error;
  const { violated, ...shown } = shownOf(error);
  return JSON.stringify({
    type: `urn:tollgate:error:${code.toLowerCase().replaceAll("_", "-")}`,
    title: errors[code].message,
    status,
    detail: messageOf(error),
    instance: `urn:correlation:${correlationId}`,
    code,
    correlationId,
    ...shown,
    "violated-policies": violated,
  });
}

/** True if the Accept header names the problem form itself, and not with a weight of 0. */
export function asksForProblem(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  return accept.split(",").some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === PROBLEM_TYPE && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
