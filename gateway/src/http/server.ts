import type { AddressInfo, Socket } from "node:net";
import { fastifySwagger } from "@fastify/swagger";
import { type FastifyInstance, type FastifyRequest, fastify } from "fastify";
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from "fastify-type-provider-zod";
import { admit } from "../calls/enter.ts";
import { TollgateError } from "../lib/errors.ts";
import { uuidv7 } from "../lib/ids.ts";
import type { Use } from "../limits/applicable.ts";
import { type HeaderStyle, type LimitReport, limitHeaders } from "../limits/headers.ts";
import type { Pressure } from "../limits/pressure.ts";
import { underTicket } from "../limits/ticket.ts";
import { causeOf } from "./cause.ts";
import { withCors } from "./cors.ts";
import type { Access, Endpoint, Visit } from "./endpoint.ts";
import { parseJson } from "./json.ts";
import { addressOf, type LetInDeps, letIn } from "./let-in.ts";
import { answerError, guardedServer, refuseOtherMethods, refuseSocket } from "./refusals.ts";
import { signOf } from "./signs.ts";
import { finishTrace, startTrace, type TraceDeps } from "./trace.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    endpoint?: Endpoint;
    refusesMethods?: boolean;
  }
}

export type ServerDeps = LetInDeps &
  TraceDeps & {
    readonly endpoints: readonly Endpoint[];
    readonly pressure: Pick<Pressure, "enter">;
    readonly limitHeaderStyles: readonly HeaderStyle[];
    readonly corsOrigins: readonly string[];
    readonly bodyLimitBytes: number;
    readonly aiBodyLimitBytes: number;
    /** Credentials that nobody can have here: their endpoints do not exist. */
    readonly absent: ReadonlySet<Access["credential"]>;
  };

/**
 * The HTTP side of the endpoint table. Authority hangs on the matched route: the hooks read the row that Fastify
 * matched, never the text of the URL or the Host header.
 */
export async function newServer(deps: ServerDeps): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    bodyLimit: deps.bodyLimitBytes,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: 256 },
    frameworkErrors: (error, request, reply) => {
      startTrace(deps, request, reply);
      answerError(error, request, reply, deps.chance);
    },
    clientErrorHandler: (error, socket) => refuseSocket(deps, error, socket as Socket),
    serverFactory: (handler) => guardedServer(deps, withCors(deps.corsOrigins, handler)),
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "buffer" },
    async (request: FastifyRequest, body: Buffer) => {
      const json = parseJson(body);
      const readBody = request.routeOptions.config.endpoint?.readBody;
      return readBody === undefined ? json : readBody(json, body.length, request);
    },
  );
  app.decorateRequest("trace");
  app.addHook("onRoute", ({ url, config }) => {
    if (config?.endpoint === undefined && config?.refusesMethods !== true) {
      throw new Error(`the route ${url} is not in the endpoint table`);
    }
  });
  app.addHook("onRequest", async (request, reply) => {
    startTrace(deps, request, reply);
    const priority = request.routeOptions.config.endpoint?.priority;
    // A full house says so before it does anything, and counts whoever has sent all that it asks.
    if (isMatched(request) && priority !== "always") deps.pressure.enter(priority ?? "work")();
    await letIn(deps, request);
  });
  app.addHook("preHandler", async (request, reply) => {
    const { access, priority, surface = "tollgate" } = request.routeOptions.config.endpoint ?? {};
    if (isMatched(request) && priority !== "always") {
      reply.raw.once("close", deps.pressure.enter(priority ?? "work"));
    }
    if (access?.credential !== "caller") return;
    const { trace } = request;
    const tell = (report: LimitReport): void => {
      reply.headers(limitHeaders(report, { styles: deps.limitHeaderStyles, surface }));
    };
    const admitted = await admit(deps, trace.visitor!, access, callOf(deps, request), tell);
    trace.visitor = admitted.visitor;
    trace.ticket = admitted.ticket;
    trace.tellGivenBack = () => tell(admitted.untaken());
  });
  app.addHook("onResponse", async (request, reply) => {
    finishTrace(deps, request, reply);
    noteSign(deps, request);
  });
  app.setNotFoundHandler((request, reply) =>
    answerError(new TollgateError("NOT_FOUND"), request, reply, deps.chance),
  );
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, deps.chance));
  await app.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.1",
      info: {
        title: "Tollgate",
        version: "1",
        description: "The AI access gateway whose answers can be trusted.",
      },
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  const taken = new Map<string, readonly string[]>();
  for (const endpoint of deps.endpoints) {
    if (deps.absent.has(endpoint.access.credential)) continue;
    for (const path of [endpoint.path, ...(endpoint.alsoAt ?? [])]) {
      addRoute(app, deps, endpoint, path);
      taken.set(path, [...(taken.get(path) ?? []), endpoint.method]);
    }
  }
  refuseOtherMethods(app, taken);
  return app;
}

/** Starts to listen and answers where: `http://127.0.0.1:8080`. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  await app.listen({ host, port });
  const bound = app.server.address() as AddressInfo;
  const shown = bound.address === "0.0.0.0" || bound.address === "::" ? "127.0.0.1" : bound.address;
  return `http://${shown.includes(":") ? `[${shown}]` : shown}:${bound.port}`;
}

function isMatched(request: FastifyRequest): boolean {
  return request.routeOptions.config.endpoint !== undefined;
}

/** Names an AI call and says what it may use; `undefined` for everything else. */
function callOf({ clock, chance }: ServerDeps, request: FastifyRequest): Use["call"] {
  const endpoint = request.routeOptions.config.endpoint;
  if (endpoint?.isAiCall !== true) return undefined;
  const id = uuidv7(clock.now(), chance);
  request.trace.callId = id;
  return { id, tokens: endpoint.tokensOf?.(request.body) ?? { certain: 0, likely: 0 } };
}

function noteSign(deps: ServerDeps, request: FastifyRequest): void {
  if (request.trace?.code === undefined) return;
  const { code, limit, visitor } = request.trace;
  const sign = signOf(code, request.routeOptions.config.endpoint);
  if (sign === undefined) return;
  deps.abuse.note(sign, {
    principal: visitor?.principal,
    address: addressOf(deps, request),
    limit,
    askedAt: request.trace.startedAt,
  });
}

function addRoute(app: FastifyInstance, deps: ServerDeps, endpoint: Endpoint, path: string): void {
  const { access, readBody } = endpoint;
  app.route({
    method: endpoint.method,
    url: path,
    config: { endpoint },
    bodyLimit: endpoint.isAiCall ? deps.aiBodyLimitBytes : deps.bodyLimitBytes,
    ...(readBody === undefined ? {} : { validatorCompiler: () => present }),
    schema: {
      summary: endpoint.summary,
      ...(access.credential === "nobody" || access.credential === "metrics"
        ? {}
        : { security: [{ bearer: [] }] }),
      ...(endpoint.params === undefined ? {} : { params: endpoint.params }),
      ...(endpoint.query === undefined ? {} : { querystring: endpoint.query }),
      ...(endpoint.body === undefined ? {} : { body: endpoint.body }),
      ...(endpoint.answer === undefined
        ? {}
        : { response: { [endpoint.answerStatus ?? 200]: endpoint.answer } }),
    },
    handler: async (request, reply) => {
      const { correlationId, visitor, callId, ticket, tellGivenBack } = request.trace;
      const address = visitor?.address ?? addressOf(deps, request);
      const cause = () => causeOf(request, address, endpoint.access.credential);
      const visit: Visit = {
        request,
        reply,
        correlationId,
        visitor: visitor!,
        callId: callId!,
        ticket: ticket!,
        address,
        cause,
      };
      const answer = endpoint.isAiCall
        ? await underTicket(ticket!, () => endpoint.handle(visit), tellGivenBack)
        : await endpoint.handle(visit);
      if (reply.sent) return reply;
      if (endpoint.answerStatus !== undefined) reply.code(endpoint.answerStatus);
      return answer;
    },
  });
}

/** For bodies that the content type parser has read already: only their absence is left to find. */
function present(body: unknown): { value: unknown } | { error: Error } {
  if (body !== undefined && body !== null) return { value: body };
  return {
    error: new TollgateError("VALIDATION_FAILED", {
      faults: [{ path: "", message: "must be a JSON object" }],
    }),
  };
}
