import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  hasZodFastifySchemaValidationErrors,
  type ZodFastifySchemaValidationError,
} from "fastify-type-provider-zod";
import { errorBody, errorHeaders } from "../calls/envelope.ts";
import { asksForProblem, PROBLEM_TYPE, problemBody } from "../calls/problem.ts";
import { type ErrorCode, errors, type FieldFault, TollgateError } from "../lib/errors.ts";
import { type Chance, newCorrelationId } from "../lib/ids.ts";
import type { Surface } from "../limits/headers.ts";
import { isOutage } from "../store/outages.ts";
import { isSocketRequest, requestFault } from "./guard.ts";
import { correlationIdOf, type Trace } from "./trace.ts";

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

/**
 * A node:http server that answers by itself what no route should see (RFC 9112), in the one envelope. It upgrades to
 * WebSocket at these paths; elsewhere, and to anything else, an upgrade is a request like every other.
 */
export function guardedServer(
  deps: { chance: Chance; socketPaths: ReadonlySet<string> },
  handler: RequestListener,
): Server {
  const options = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: 5_000,
    /** `requestFault` looks for it: node:http would answer without a body. */
    requireHostHeader: false,
    shouldUpgradeCallback: (request: IncomingMessage) =>
      deps.socketPaths.has(request.url?.split("?", 1)[0] ?? "") &&
      isSocketRequest(request) &&
      requestFault(request) === undefined,
  };
  const server = createServer(options, (request, response) => {
    const fault = requestFault(request);
    if (fault === undefined) handler(request, response);
    else refuse(deps, fault, request, response);
  });
  server.on("checkExpectation", (request, response) => refuse(deps, "EXPECTATION_FAILED", request, response));
  return server;
}

type BareCode = "BAD_REQUEST" | "URI_TOO_LONG" | "UNSUPPORTED_MEDIA_TYPE" | "EXPECTATION_FAILED";

function refuse(
  { chance }: { chance: Chance },
  code: ErrorCode,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const error = new TollgateError(code as BareCode);
  const correlationId = correlationIdOf(request.headers, chance);
  const { type, body } = bodyOf(error, correlationId, request.headers.accept);
  response.writeHead(error.status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "x-correlation-id": correlationId,
    "x-request-id": correlationId,
    connection: "close",
  });
  response.end(body);
}

/** Answers what node:http could not even parse; the connection ends there. */
export function refuseSocket(
  { chance }: { chance: Chance },
  fault: Error & { code?: string },
  socket: Socket,
): void {
  if (fault.code === "ECONNRESET" || !socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const code =
    fault.code === "HPE_HEADER_OVERFLOW"
      ? "HEADERS_TOO_LARGE"
      : fault.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "REQUEST_TIMEOUT"
        : "BAD_REQUEST";
  const correlationId = newCorrelationId(chance);
  const body = errorBody(new TollgateError(code), correlationId);
  socket.end(
    [
      `HTTP/1.1 ${errors[code].status} Refused`,
      "content-type: application/json; charset=utf-8",
      `content-length: ${Buffer.byteLength(body)}`,
      `x-correlation-id: ${correlationId}`,
      "connection: close",
      "",
      body,
    ].join("\r\n"),
    () => socket.destroy(),
  );
}

/** An answer is on its way on this connection; a second one would end up inside it. */
function isAnswering(socket: Socket & { _httpMessage?: { headersSent: boolean } | null }): boolean {
  return socket._httpMessage?.headersSent === true;
}

/** Sends any error as its envelope. What is not one of ours is an outage of the store, or a fault of the house. */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  chance: Chance,
): void {
  const known = asTollgateError(error);
  const { tollgateTrace: trace } = request;
  noteRefusal(trace, known);
  const surface = request.routeOptions.config.tollgateRow?.surface;
  const { type, body } = bodyOf(known, trace.correlationId, request.headers.accept, surface);
  // As bytes: to a text Fastify would add a charset, which no form of JSON but our own has.
  reply.code(known.status).headers(errorHeaders(known, chance)).type(type).send(Buffer.from(body));
}

export function noteRefusal(trace: Trace, error: TollgateError): void {
  trace.code = error.code;
  trace.limit = error.is("RATE_LIMITED") || error.is("QUOTA_EXCEEDED") ? error.details.limit : undefined;
  trace.error = error.status >= 500 ? (error.cause ?? error) : undefined;
}

/** The form of a body that the caller asks for, else the one of the surface. */
function bodyOf(error: TollgateError, correlationId: string, accept: string | undefined, surface?: Surface) {
  return asksForProblem(accept)
    ? { type: PROBLEM_TYPE, body: problemBody(error, correlationId) }
    : { type: "application/json; charset=utf-8", body: errorBody(error, correlationId, surface) };
}

export function asTollgateError(error: unknown): TollgateError {
  if (error instanceof TollgateError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    return new TollgateError("VALIDATION_FAILED", { faults: error.validation.flatMap(faultsOf) });
  }
  if (isOutage(error)) return new TollgateError("STORE_UNAVAILABLE", undefined, { cause: error });
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const bare = codesOfFastify.get(code);
  return bare === undefined
    ? new TollgateError("INTERNAL", undefined, { cause: error })
    : new TollgateError(bare, undefined, { cause: error });
}

function faultsOf({ instancePath, message, params }: ZodFastifySchemaValidationError): readonly FieldFault[] {
  const path = instancePath
    .replace(/\/(\d+)(?=\/|$)/g, "[$1]")
    .replaceAll("/", ".")
    .replace(/^\./, "");
  const { keys } = params as { keys?: readonly string[] };
  if (keys === undefined) return [{ path, message: message ?? "is not valid" }];
  return keys.map((key) => ({ path: path === "" ? key : `${path}.${key}`, message: "is not a known field" }));
}

const codesOfFastify: ReadonlyMap<
  string,
  "BAD_REQUEST" | "PAYLOAD_TOO_LARGE" | "UNSUPPORTED_MEDIA_TYPE" | "URI_TOO_LONG"
> = new Map([
  ["FST_ERR_CTP_BODY_TOO_LARGE", "PAYLOAD_TOO_LARGE"],
  ["FST_ERR_CTP_INVALID_MEDIA_TYPE", "UNSUPPORTED_MEDIA_TYPE"],
  ["FST_ERR_CTP_INVALID_CONTENT_LENGTH", "BAD_REQUEST"],
  ["FST_ERR_CTP_EMPTY_JSON_BODY", "BAD_REQUEST"],
  ["FST_ERR_BAD_URL", "BAD_REQUEST"],
  ["FST_ERR_MAX_PARAM_LENGTH", "URI_TOO_LONG"],
  ["ECONNRESET", "BAD_REQUEST"],
]);

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] as const;

/** Every known path answers the methods it does not take with 405, before a body is read. */
export function refuseOtherMethods(
  app: FastifyInstance,
  taken: ReadonlyMap<string, readonly string[]>,
): void {
  for (const [url, allow] of taken) {
    const method = methods.filter((name) => !allow.includes(name));
    app.route({
      url,
      method,
      config: { refusesMethods: true },
      schema: { hide: true },
      onRequest: async () => {
        throw new TollgateError("METHOD_NOT_ALLOWED", { allow });
      },
      handler: async () => undefined,
    });
  }
}
