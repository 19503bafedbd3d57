import type { AddressInfo, Socket } from "node:net";
import { fastifySwagger } from "@fastify/swagger";
import { type FastifyInstance, type FastifyRequest, fastify } from "fastify";
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from "fastify-type-provider-zod";
import { admit, type EnterDeps, enter } from "../calls/enter.ts";
import { presentedTokens } from "../identity/credentials.ts";
import { TollgateError } from "../lib/errors.ts";
import { clientAddress, type Network } from "../lib/networks.ts";
import { causeOf } from "./cause.ts";
import type { Access, Endpoint } from "./endpoint.ts";
import { parseJson } from "./json.ts";
import { answerError, guardedServer, refuseOtherMethods, refuseSocket } from "./refusals.ts";
import { finishTrace, startTrace, type TraceDeps } from "./trace.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    endpoint?: Endpoint;
    refusesMethods?: boolean;
  }
}

export type ServerDeps = EnterDeps &
  TraceDeps & {
    readonly endpoints: readonly Endpoint[];
    readonly trustedProxies: readonly Network[];
    readonly bodyLimitBytes: number;
    readonly aiBodyLimitBytes: number;
    /** Does this token open the routes of that name? */
    readonly isInternal: (token: string) => boolean;
    readonly isOperator: (token: string) => boolean;
    readonly metricsArePublic: boolean;
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
      answerError(error, request, reply);
    },
    clientErrorHandler: (error, socket) => refuseSocket(deps, error, socket as Socket),
    serverFactory: (handler) => guardedServer(deps, handler),
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
    await letIn(deps, request);
  });
  app.addHook("preHandler", async (request, reply) => {
    const access = request.routeOptions.config.endpoint?.access;
    if (access?.credential !== "caller") return;
    request.trace.visitor = await admit(deps, request.trace.visitor!, access, (headers) =>
      reply.headers(headers),
    );
  });
  app.addHook("onResponse", async (request, reply) => finishTrace(deps, request, reply));
  app.setNotFoundHandler((request, reply) => answerError(new TollgateError("NOT_FOUND"), request, reply));
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
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

async function letIn(deps: ServerDeps, request: FastifyRequest): Promise<void> {
  const access = request.routeOptions.config.endpoint?.access;
  const { rawHeaders } = request.raw;
  switch (access?.credential) {
    case "caller": {
      const address = addressOf(deps, request);
      request.trace.visitor = await enter(deps, { rawHeaders, address }, access);
      return;
    }
    case "internal":
      return demand(deps, deps.isInternal, rawHeaders);
    case "operator":
      return demand(deps, deps.isOperator, rawHeaders);
    case "metrics":
      if (deps.metricsArePublic || isFromHere(request)) return;
      return demand(deps, deps.isInternal, rawHeaders);
  }
}

/** 401 without a credential or with an unknown one, 403 with one that is good for other things only. */
async function demand(
  { identifier }: ServerDeps,
  opens: (token: string) => boolean,
  rawHeaders: readonly string[],
): Promise<void> {
  const { token } = presentedTokens(rawHeaders);
  if (token !== undefined && opens(token)) return;
  await identifier.identify(token);
  throw new TollgateError("FORBIDDEN");
}

function addressOf({ trustedProxies }: ServerDeps, { raw }: FastifyRequest): string {
  const forwardedFor = raw.headers["x-forwarded-for"];
  const hops = Array.isArray(forwardedFor) ? forwardedFor.join(",") : forwardedFor;
  return clientAddress(raw.socket.remoteAddress ?? "", hops, trustedProxies);
}

/** From this machine, and not through a proxy on it. */
function isFromHere({ raw }: FastifyRequest): boolean {
  const { "x-forwarded-for": forwardedFor, forwarded } = raw.headers;
  const isDirect = forwardedFor === undefined && forwarded === undefined;
  return isDirect && /^(127\.|::1$|::ffff:127\.)/.test(raw.socket.remoteAddress ?? "");
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
      const { correlationId, visitor } = request.trace;
      const address = visitor?.address ?? addressOf(deps, request);
      const cause = () => causeOf(request, address, endpoint.access.credential);
      const answer = await endpoint.handle({
        request,
        reply,
        correlationId,
        visitor: visitor!,
        address,
        cause,
      });
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
