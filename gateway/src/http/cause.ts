import type { FastifyRequest } from "fastify";
import type { Principal } from "../identity/principal.ts";
import type { Actor, Cause } from "../telemetry/change.ts";
import type { Access } from "./endpoint.ts";
import { sourceOf } from "./source.ts";

/** Who asks by this request, as the audit log names it. */
export function causeOf(request: FastifyRequest, address: string, credential: Access["credential"]): Cause {
  const { tollgateTrace: trace, method, routeOptions } = request;
  return {
    actor: actorOf(trace.visitor?.principal, credential),
    request: { correlationId: trace.correlationId, method, route: routeOptions.url ?? "none" },
    source: sourceOf(request, address),
  };
}

function actorOf(principal: Principal | undefined, access: Access["credential"]): Actor {
  if (principal === undefined) {
    if (access === "internal" || access === "operator") return { type: access, id: access };
    return { type: "anonymous", id: "anonymous" };
  }
  const { userId, role, credential, key } = principal;
  const shown = {
    id: userId,
    role,
    ...(key === undefined ? {} : { keyPrefix: key.prefix }),
    ...(credential.kind === "session" ? { sessionId: credential.sessionId } : {}),
  };
  return { type: credential.kind === "session" ? "user" : credential.kind, ...shown };
}
