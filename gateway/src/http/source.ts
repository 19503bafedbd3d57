import type { FastifyRequest } from "fastify";
import type { Source } from "../identity/sessions.ts";

const MAX_USER_AGENT_LENGTH = 256;

/** Where a request comes from, as sessions and the audit log keep it. */
export function sourceOf({ headers }: FastifyRequest, address: string): Source {
  return { address, userAgent: headers["user-agent"]?.slice(0, MAX_USER_AGENT_LENGTH) };
}
