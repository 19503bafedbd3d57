import type { AddressInfo, Socket } from "node:net";
import { fastifySwagger } from "@fastify/swagger";
import { fastifyWebsocket } from "@fastify/websocket";
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
import { addressOf, isUpgrade, type LetInDeps, letIn, saysLaterWhoItIs } from "./let-in.ts";
import { answerError, guardedServer, refuseOtherMethods, refuseSocket } from "./refusals.ts";
import { noteSign } from "./signs.ts";
import { socketHandler, socketOptions } from "./sockets.ts";
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
    serverFactory: (handler) =>
      guardedServer({ ...deps, socketPaths: socketPaths(deps) }, withCors(deps.corsOrigins, handler)),
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
    const { access, priority, surface = "tollgate", socket } = request.routeOptions.config.endpoint ?? {};
    if (isMatched(request) && priority !== "always" && socket === undefined) {
      reply.raw.once("close", deps.pressure.enter(priority ?? "work"));
    }
    if (access?.credential !== "caller" || saysLaterWhoItIs(request)) return;
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
  });
  app.addHook("onResponse", async (request, reply) => {
    finishTrace(deps, request, reply.raw.statusCode);
    noteSign(deps, request);
    // Of a refused upgrade: node:http has let go of the connection.
    if (isUpgrade(request)) request.raw.socket.destroySoon();
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
  const endpoints = deps.endpoints.filter(({ access }) => !deps.absent.has(access.credential));
  addRoutes(app, deps, endpoints.filter(isWithoutSocket));
  // What watches for upgrades is around their routes only, and costs the others nothing.
  await app.register(async (apart) => {
    await apart.register(fastifyWebsocket, socketOptions(deps));
    addRoutes(
      apart,
      deps,
      endpoints.filter((endpoint) => !isWithoutSocket(endpoint)),
    );
  });
  const taken = new Map<string, readonly string[]>();
  for (const endpoint of endpoints) {
    for (const path of pathsOf(endpoint)) taken.set(path, [...(taken.get(path) ?? []), endpoint.method]);
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

function isWithoutSocket({ socket }: Endpoint): boolean {
  return socket === undefined;
}

function pathsOf({ path, alsoAt = [] }: Endpoint): readonly string[] {
  return [path, ...alsoAt];
}

function socketPaths({ endpoints }: Pick<ServerDeps, "endpoints">): ReadonlySet<string> {
  return new Set(endpoints.filter((endpoint) => !isWithoutSocket(endpoint)).flatMap(pathsOf));
}

function addRoutes(app: FastifyInstance, deps: ServerDeps, endpoints: readonly Endpoint[]): void {
  for (const endpoint of endpoints) for (const path of pathsOf(endpoint)) addRoute(app, deps, endpoint, path);
}

function addRoute(app: FastifyInstance, deps: ServerDeps, endpoint: Endpoint, path: string): void {
  const { access, readBody } = endpoint;
  app.route({
    method: endpoint.method,
    url: path,
    config: { endpoint },
    bodyLimit: endpoint.isAiCall || endpoint.takesLargeBody ? deps.aiBodyLimitBytes : deps.bodyLimitBytes,
    ...(readBody === undefined ? {} : { validatorCompiler: () => present }),
    ...(isWithoutSocket(endpoint) ? {} : { wsHandler: socketHandler(deps, endpoint) }),
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
