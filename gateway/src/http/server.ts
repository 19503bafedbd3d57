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
import { z } from "zod";
import { TollgateError } from "../lib/errors.ts";
import { causeOf } from "./cause.ts";
import { withCors } from "./cors.ts";
import type { Access, Endpoint, Governed, Visit } from "./endpoint.ts";
import { type GovernDeps, govern } from "./govern.ts";
import { parseJson } from "./json.ts";
import { addressOf } from "./let-in.ts";
import { nothingAt } from "./nothing-at.ts";
import { answerError, guardedServer, refuseOtherMethods, refuseSocket } from "./refusals.ts";
import { refuse } from "./refuse.ts";
import { socketHandler, socketOptions } from "./sockets.ts";
import { startTrace } from "./trace.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    refusesMethods?: boolean;
  }
}

export type ServerDeps = GovernDeps & {
  readonly endpoints: readonly Endpoint[];
  /** Adds the apps that come with us: their routes name what governs them. */
  readonly addApps: (app: FastifyInstance) => Promise<void>;
  readonly bodyLimitBytes: number;
  readonly aiBodyLimitBytes: number;
  /** Credentials that nobody can have here: their endpoints do not exist. */
  readonly absent: ReadonlySet<Access["credential"]>;
};

export type NewServer = {
  readonly app: FastifyInstance;
  /** Every route there is, those of the apps as well. */
  readonly rows: readonly Governed[];
};

/** The HTTP side of the endpoint table, and of the apps beside it. */
export async function newServer(deps: ServerDeps): Promise<NewServer> {
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
      const readBody = request.routeOptions.config.tollgateRow?.readBody;
      return readBody === undefined ? json : readBody(json, body.length, request);
    },
  );
  const ofApps: Governed[] = [];
  govern(app, deps);
  app.addHook("onRoute", (route) => {
    const { url, config, schema } = route;
    const row = config?.tollgateRow;
    if (row !== undefined && config?.tollgate) {
      ofApps.push(row);
      route.schema = { ...schema, ...securityOf(row) };
    } else if (row === undefined && config?.refusesMethods !== true) {
      throw new Error(`the route ${url} is not in the endpoint table`);
    }
  });
  const taken = new Map<string, readonly string[]>();
  app.setNotFoundHandler((request, reply) =>
    answerError(nothingAt(request.url, taken), request, reply, deps.chance),
  );
  app.setErrorHandler((error, request, reply) => refuse(deps, error, request, reply));
  await app.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.1",
      info: {
        title: "Tollgate",
        version: "1",
        description: "The AI access gateway whose answers can be trusted.",
      },
      components: { securitySchemes },
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
  await deps.addApps(app);
  const rows = [...endpoints, ...ofApps];
  for (const row of rows) {
    for (const path of pathsOf(row)) taken.set(path, [...(taken.get(path) ?? []), row.method]);
  }
  refuseOtherMethods(app, taken);
  return { app, rows };
}

/** Starts to listen and answers where: `http://127.0.0.1:8080`. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  await app.listen({ host, port });
  const bound = app.server.address() as AddressInfo;
  const shown = bound.address === "0.0.0.0" || bound.address === "::" ? "127.0.0.1" : bound.address;
  return `http://${shown.includes(":") ? `[${shown}]` : shown}:${bound.port}`;
}

function isWithoutSocket({ socket }: Governed): boolean {
  return socket === undefined;
}

const securitySchemes = {
  bearer: { type: "http", scheme: "bearer" },
  appKey: { type: "apiKey", in: "header", name: "X-API-Key" },
} as const;

/** What OpenAPI says of the credentials that it takes. */
function securityOf({ access }: Pick<Governed, "access">): {
  security?: { [scheme in keyof typeof securitySchemes]?: string[] }[];
} {
  if (access.credential === "nobody" || access.credential === "metrics") return {};
  const needsApp = access.credential === "caller" && access.appKey === true;
  return { security: [{ bearer: [], ...(needsApp ? { appKey: [] } : {}) }] };
}

function pathsOf({ path, alsoAt = [] }: Governed): readonly string[] {
  return [path, ...alsoAt];
}

function socketPaths({ endpoints }: Pick<ServerDeps, "endpoints">): ReadonlySet<string> {
  return new Set(endpoints.filter((endpoint) => !isWithoutSocket(endpoint)).flatMap(pathsOf));
}

function addRoutes(app: FastifyInstance, deps: ServerDeps, endpoints: readonly Endpoint[]): void {
  for (const endpoint of endpoints) for (const path of pathsOf(endpoint)) addRoute(app, deps, endpoint, path);
}

function addRoute(app: FastifyInstance, deps: ServerDeps, endpoint: Endpoint, path: string): void {
  const { readBody } = endpoint;
  app.route({
    method: endpoint.method,
    url: path,
    config: { tollgateRow: endpoint },
    bodyLimit: endpoint.isAiCall || endpoint.takesLargeBody ? deps.aiBodyLimitBytes : deps.bodyLimitBytes,
    ...(readBody === undefined ? {} : { validatorCompiler: () => present }),
    ...(isWithoutSocket(endpoint) ? {} : { wsHandler: socketHandler(deps, endpoint) }),
    schema: {
      summary: endpoint.summary,
      ...securityOf(endpoint),
      ...(endpoint.params === undefined ? {} : { params: endpoint.params }),
      ...(endpoint.query === undefined ? {} : { querystring: endpoint.query }),
      ...(endpoint.body === undefined ? {} : { body: endpoint.body }),
      ...answersOf(endpoint),
    },
    handler: async (request, reply) => {
      const { correlationId, visitor, callId, ticket } = request.tollgateTrace;
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
      const answer = await endpoint.handle(visit);
      if (reply.sent) return reply;
      if (endpoint.answerStatus !== undefined) reply.code(endpoint.answerStatus);
      return answer;
    },
  });
}

function answersOf({ answer, answerStatus = 200 }: Endpoint) {
  if (answerStatus === 204) return { response: { 204: z.null().describe("Done.") } };
  return answer === undefined ? {} : { response: { [answerStatus]: answer } };
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
