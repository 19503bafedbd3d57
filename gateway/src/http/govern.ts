import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import { admit } from "../calls/enter.ts";
import { TollgateError } from "../lib/errors.ts";
import { uuidv7 } from "../lib/ids.ts";
import type { Use } from "../limits/applicable.ts";
import { type HeaderStyle, type LimitReport, limitHeaders } from "../limits/headers.ts";
import type { Pressure } from "../limits/pressure.ts";
import { requestTicket } from "../limits/request-ticket.ts";
import { isOutage } from "../store/outages.ts";
import { rowOf } from "./declared-row.ts";
import type { Governed } from "./endpoint.ts";
import { isUpgrade, type LetInDeps, letIn, saysLaterWhoItIs } from "./let-in.ts";
import { answerError, asTollgateError } from "./refusals.ts";
import { noteSign } from "./signs.ts";
import { finishTrace, startTrace, type TraceDeps } from "./trace.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The row that governs the route. */
    endpoint?: Governed;
  }
}

export type GovernDeps = LetInDeps &
  TraceDeps & {
    readonly pressure: Pick<Pressure, "enter">;
    readonly limitHeaderStyles: readonly HeaderStyle[];
  };

/** What becomes of routes without a row: `traced` where the whole server is ours, `untouched` in somebody else's app. */
export type Others = "traced" | "untouched";

/**
 * The one admission of every route, in our own server and in an app that registers the plugin. Authority hangs on the
 * matched route: the hooks read the row that Fastify matched, never the text of the URL or the Host header.
 */
export function govern(app: FastifyInstance, deps: GovernDeps, others: Others): void {
  app.decorateRequest("trace");
  app.addHook("onRoute", (route) => {
    const named = route.config?.tollgate;
    if (named !== undefined) route.config = { ...route.config, endpoint: rowOf(route, named) };
    if (route.config?.endpoint === undefined) return;
    if (route.config.endpoint.isAiCall === true) route.onSend = [...listed(route.onSend), settleBeforeAnswer];
    if (others === "untouched") route.errorHandler = errorHandlerOf(deps, route.errorHandler);
  });
  app.addHook("onRequest", async (request, reply) => {
    const { endpoint, tollgate } = request.routeOptions.config;
    if (endpoint === undefined && tollgate !== undefined) {
      throw new Error("the plugin must be registered, and awaited, before the routes that it governs");
    }
    if (endpoint === undefined && others === "untouched") return;
    startTrace(deps, request, reply);
    // A full house says so before it does anything, and counts whoever has sent all that it asks.
    const { priority = "work" } = endpoint ?? {};
    if (endpoint !== undefined && priority !== "always") deps.pressure.enter(priority)();
    await letIn(deps, request);
  });
  app.addHook("preHandler", async (request, reply) => {
    const { endpoint } = request.routeOptions.config;
    if (endpoint !== undefined) await admitTo(deps, endpoint, request, reply);
  });
  app.addHook("onResponse", async (request, reply) => {
    if (request.trace === undefined) return;
    // Of an answer that went its own way: whoever wrote it has done so, unless it failed half-way.
    if (request.routeOptions.config.endpoint?.isAiCall === true)
      await request.trace.ticket?.settle(undefined);
    finishTrace(deps, request, reply.raw.statusCode);
    noteSign(deps, request);
    // Of a refused upgrade: node:http has let go of the connection.
    if (isUpgrade(request)) request.raw.socket.destroySoon();
  });
}

async function admitTo(
  deps: GovernDeps,
  { access, priority, surface = "tollgate", socket, isAiCall }: Governed,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (priority !== "always" && socket === undefined) {
    reply.raw.once("close", deps.pressure.enter(priority ?? "work"));
  }
  if (access.credential !== "caller" || saysLaterWhoItIs(request)) return;
  const { trace } = request;
  const tell = (report: LimitReport): void => {
    reply.headers(limitHeaders(report, { styles: deps.limitHeaderStyles, surface }));
  };
  const admitted = await admit(deps, trace.visitor!, access, callOf(deps, request), tell);
  trace.visitor = admitted.visitor;
  trace.ticket = admitted.ticket;
  // V8 allocates a function that is written straight into a property as old: it would keep its request until a major
  // garbage collection.
  const tellGivenBack = (): void => tell(admitted.untaken());
  trace.tellGivenBack = tellGivenBack;
  if (isAiCall === true && request.routeOptions.config.tollgate !== undefined) share(deps, request, reply);
}

/** The handler of an app may answer by a stream, make several calls or none, and be left in the middle of them. */
function share({ log }: GovernDeps, { trace }: FastifyRequest, reply: FastifyReply): void {
  const ticket = requestTicket(trace.ticket!);
  trace.ticket = ticket;
  trace.requestTicket = ticket;
  const leaving = new AbortController();
  trace.left = leaving.signal;
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) leaving.abort();
    ticket.settle(undefined).catch((error: unknown) => log.error({ error }, "limits of a call not settled"));
  });
}

/** Names an AI call and says what it may use; `undefined` for everything else. */
function callOf({ clock, chance }: GovernDeps, request: FastifyRequest): Use["call"] {
  const { endpoint } = request.routeOptions.config;
  if (endpoint?.isAiCall !== true) return undefined;
  const id = uuidv7(clock.now(), chance);
  request.trace.callId = id;
  return { id, tokens: endpoint.tokensOf?.(request.body) ?? { certain: 0, likely: 0 } };
}

/** Whoever has the answer has its place back. A stream is answered when it is over. */
async function settleBeforeAnswer({ trace }: FastifyRequest, _: FastifyReply, payload: unknown) {
  if (!isStream(payload)) await trace?.ticket?.settle(undefined);
  return payload;
}

function isStream(payload: unknown): boolean {
  if (typeof payload !== "object" || payload === null) return false;
  return "pipe" in payload || "getReader" in payload || payload instanceof Response;
}

/** Answers any error in the one envelope; what an AI call's limits took is given back before. */
export function refuse(
  deps: Pick<GovernDeps, "chance">,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> | undefined {
  const giving = givenBack(request);
  if (giving === undefined) {
    answerError(error, request, reply, deps.chance);
    return undefined;
  }
  return giving.then(() => {
    answerError(error, request, reply, deps.chance);
    return reply;
  });
}

function givenBack({ trace, routeOptions }: FastifyRequest): Promise<void> | undefined {
  if (trace.ticket === undefined || routeOptions.config.endpoint?.isAiCall !== true) return undefined;
  return trace.ticket.giveBack().then((isGiven) => {
    if (isGiven) trace.tellGivenBack();
  });
}

type ErrorHandler = NonNullable<RouteOptions["errorHandler"]>;

/** In somebody else's app our refusals are answered as ours; its own errors go to its own handlers, as ever. */
function errorHandlerOf(deps: GovernDeps, own: RouteOptions["errorHandler"]): ErrorHandler {
  return async function (this: FastifyInstance, error, request, reply) {
    if (request.trace === undefined) startTrace(deps, request, reply);
    if (error instanceof TollgateError || isOutage(error)) {
      await refuse(deps, error, request, reply);
      return reply;
    }
    await givenBack(request);
    const { code } = error as { readonly code?: unknown };
    const known = code === "FST_ERR_VALIDATION" ? "VALIDATION_FAILED" : asTollgateError(error).code;
    if (known !== "INTERNAL") request.trace.code = known;
    if (own === undefined) throw error;
    // Whatever answers by `reply.send` returns nothing, and Fastify must not take that for the answer.
    return (await own.call(this, error, request, reply)) ?? reply;
  };
}

function listed<T>(hooks: T | T[] | undefined): T[] {
  return hooks === undefined ? [] : ([hooks].flat() as T[]);
}
