import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { admit } from "../calls/enter.ts";
import { uuidv7 } from "../lib/ids.ts";
import type { Use } from "../limits/applicable.ts";
import { type HeaderStyle, type LimitReport, limitHeaders } from "../limits/headers.ts";
import type { Pressure } from "../limits/pressure.ts";
import { requestTicket } from "../limits/request-ticket.ts";
import { declaredRoutes, type Host, refusalOfUnseen } from "./declared-routes.ts";
import type { Governed } from "./endpoint.ts";
import { isUpgrade, type LetInDeps, letIn, saysLaterWhoItIs } from "./let-in.ts";
import { errorHandlerOf, refuse } from "./refuse.ts";
import { noteSign } from "./signs.ts";
import { finishTrace, startTrace, type TraceDeps } from "./trace.ts";

export type GovernDeps = LetInDeps &
  TraceDeps & {
    readonly pressure: Pick<Pressure, "enter">;
    readonly limitHeaderStyles: readonly HeaderStyle[];
  };

/**
 * The one admission of every route, in our own server and in an app that registers the plugin. Authority hangs on the
 * matched route: the hooks read the row that Fastify matched, never the text of the URL or the Host header.
 * @param host the app of others whose routes are governed; without it the server is ours, and its other routes are traced.
 */
export function govern(app: FastifyInstance, deps: GovernDeps, host?: Host): void {
  app.decorateRequest("tollgateTrace");
  const routes = declaredRoutes(host ?? { ungoverned: "allow" });
  app.addHook("onRoute", (route) => {
    routes.add(route);
    const row = route.config?.tollgateRow;
    if (row === undefined) return;
    if (row.isAiCall === true) route.onSend = [...listed(route.onSend), settleBeforeAnswer];
    if (host !== undefined) route.errorHandler = errorHandlerOf(deps, host, route.errorHandler);
  });
  app.addHook("onReady", async () => routes.requireUnchanged());
  app.addHook("onRequest", async (request, reply) => {
    const { tollgateRow: row } = request.routeOptions.config;
    if (row === undefined && host !== undefined) {
      const refusal = refusalOfUnseen(request, host);
      if (refusal === undefined) return undefined;
      startTrace(deps, request, reply);
      await refuse(deps, refusal, request, reply);
      return reply;
    }
    startTrace(deps, request, reply);
    // A full house says so before it does anything, and counts whoever has sent all that it asks.
    const { priority = "work" } = row ?? {};
    if (row !== undefined && priority !== "always") deps.pressure.enter(priority)();
    await letIn(deps, request);
    return undefined;
  });
  app.addHook("preHandler", async (request, reply) => {
    const { tollgateRow: row } = request.routeOptions.config;
    if (row !== undefined) await admitTo(deps, row, request, reply);
  });
  app.addHook("onResponse", async (request, reply) => {
    if (request.tollgateTrace === undefined) return;
    // Of an answer that went its own way: whoever wrote it has done so, unless it failed half-way.
    if (request.routeOptions.config.tollgateRow?.isAiCall === true)
      await request.tollgateTrace.ticket?.settle(undefined);
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
  const { tollgateTrace: trace } = request;
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
function share({ log }: GovernDeps, { tollgateTrace: trace }: FastifyRequest, reply: FastifyReply): void {
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
  const { tollgateRow: row } = request.routeOptions.config;
  if (row?.isAiCall !== true) return undefined;
  const id = uuidv7(clock.now(), chance);
  request.tollgateTrace.callId = id;
  return { id, tokens: row.tokensOf?.(request.body) ?? { certain: 0, likely: 0 } };
}

/** Whoever has the answer has its place back. A stream is answered when it is over. */
async function settleBeforeAnswer({ tollgateTrace }: FastifyRequest, _: FastifyReply, payload: unknown) {
  if (!isStream(payload)) await tollgateTrace?.ticket?.settle(undefined);
  return payload;
}

function isStream(payload: unknown): boolean {
  if (typeof payload !== "object" || payload === null) return false;
  return "pipe" in payload || "getReader" in payload || payload instanceof Response;
}

function listed<T>(hooks: T | T[] | undefined): T[] {
  return hooks === undefined ? [] : ([hooks].flat() as T[]);
}
