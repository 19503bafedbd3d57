import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import { errorHeaders } from "../calls/envelope.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Chance } from "../lib/ids.ts";
import { isOutage } from "../store/outages.ts";
import type { Host } from "./declared-routes.ts";
import { answerError, asTollgateError, noteRefusal } from "./refusals.ts";
import { startTrace, type TraceDeps } from "./trace.ts";

/** Answers any error in the one envelope; what an AI call's limits took is given back before. */
export function refuse(
  { chance }: { readonly chance: Chance },
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> | undefined {
  const giving = givenBack(request);
  if (giving === undefined) {
    answerError(error, request, reply, chance);
    return undefined;
  }
  return giving.then(() => {
    answerError(error, request, reply, chance);
    return reply;
  });
}

type ErrorHandler = NonNullable<RouteOptions["errorHandler"]>;

/**
 * In somebody else's app our refusals are answered as ours, unless it wants them; its own errors go to its own handlers,
 * as ever.
 */
export function errorHandlerOf(
  deps: TraceDeps,
  { refusals }: Pick<Host, "refusals">,
  own: RouteOptions["errorHandler"],
): ErrorHandler {
  return async function (this: FastifyInstance, error, request, reply) {
    if (request.tollgateTrace === undefined) startTrace(deps, request, reply);
    const isOurs = error instanceof TollgateError || isOutage(error);
    if (isOurs && refusals === "envelope") {
      await refuse(deps, error, request, reply);
      return reply;
    }
    await givenBack(request);
    const thrown = isOurs ? asTollgateError(error) : error;
    if (thrown instanceof TollgateError) {
      noteRefusal(request.tollgateTrace, thrown);
      reply.headers(errorHeaders(thrown, deps.chance));
    } else noteFault(request, error);
    if (own === undefined) throw thrown;
    // Whatever answers by `reply.send` returns nothing, and Fastify must not take that for the answer.
    return (await own.call(this, thrown as typeof error, request, reply)) ?? reply;
  };
}

/** What Fastify refuses is a sign of abuse in an app of others as in ours. */
function noteFault({ tollgateTrace }: FastifyRequest, error: unknown): void {
  const { code } = error as { readonly code?: unknown };
  const known = code === "FST_ERR_VALIDATION" ? "VALIDATION_FAILED" : asTollgateError(error).code;
  if (known !== "INTERNAL") tollgateTrace.code = known;
}

function givenBack({ tollgateTrace: trace, routeOptions }: FastifyRequest): Promise<void> | undefined {
  if (trace.ticket === undefined || routeOptions.config.tollgateRow?.isAiCall !== true) return undefined;
  return trace.ticket.giveBack().then((isGiven) => {
    if (isGiven) trace.tellGivenBack();
  });
}
