import type { FastifyReply, FastifyRequest } from "fastify";
import type { Visitor } from "../calls/enter.ts";
import type { Settlement } from "../costs/ledger.ts";
import type { Clock } from "../lib/clock.ts";
import type { ErrorCode } from "../lib/errors.ts";
import { type Chance, fraction, isCorrelationId, newCorrelationId } from "../lib/ids.ts";
import { usdText } from "../lib/money.ts";
import type { RequestTicket } from "../limits/request-ticket.ts";
import type { Ticket } from "../limits/ticket.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** What the server keeps about a request while it lasts. */
export type Trace = {
  readonly correlationId: string;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  visitor: Visitor | undefined;
  /** Of an AI call: its id, and what its limits took. */
  callId: string | undefined;
  ticket: Ticket | undefined;
  /**
   * On an app's route that asks models: who pays besides the user, the ticket for its calls, and what aborts when the
   * client has left.
   */
  projectId: number | undefined;
  requestTicket: RequestTicket | undefined;
  left: AbortSignal | undefined;
  /** Tells in the headers that the ticket was given back. */
  tellGivenBack: () => void;
  /** What it was refused with. */
  code: ErrorCode | undefined;
  /** The limit that refused it. */
  limit: string | undefined;
  /** What an AI call came to, if the request was one and was answered. */
  settled: Settlement | undefined;
  error: unknown;
};

export type TraceDeps = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly logCalls: "all" | "sampled" | "errors";
};

declare module "fastify" {
  interface FastifyRequest {
    tollgateTrace: Trace;
  }
}

const SAMPLED_SHARE = 0.01;
const SLOW_MS = 60_000;

/** The caller's own id for this request if it is well formed, else a new one (E1). */
export function correlationIdOf(headers: FastifyRequest["headers"], chance: Chance): string {
  const offered = [headers["x-correlation-id"], headers["x-request-id"]].find(isCorrelationId);
  return offered ?? newCorrelationId(chance);
}

export function startTrace(deps: TraceDeps, request: FastifyRequest, reply: FastifyReply): void {
  const correlationId = correlationIdOf(request.headers, deps.chance);
  request.tollgateTrace = {
    correlationId,
    startedAt: deps.clock.monotonic(),
    visitor: undefined,
    callId: undefined,
    ticket: undefined,
    projectId: undefined,
    requestTicket: undefined,
    left: undefined,
    tellGivenBack() {},
    code: undefined,
    limit: undefined,
    settled: undefined,
    error: undefined,
  };
  reply.header("x-correlation-id", correlationId);
  // An app of others may have one of its own.
  if (!reply.hasHeader("x-request-id")) reply.header("x-request-id", correlationId);
  // Where Anthropic's client looks for it.
  const row = request.routeOptions.config?.tollgateRow;
  if (row?.surface === "anthropic") reply.header("request-id", correlationId);
  reply.header("x-content-type-options", "nosniff");
}

/** One metric for every finished request; a log line for failures, slow ones, and as many others as LOG_CALLS asks. */
export function finishTrace(deps: TraceDeps, request: FastifyRequest, status: number): void {
  const { tollgateTrace: trace } = request;
  if (trace === undefined) return;
  const route = request.routeOptions.url ?? "none";
  const durationMs = deps.clock.monotonic() - trace.startedAt;
  deps.metrics.requests.labels(route, String(status)).inc();
  if (trace.code === "PRICE_UNKNOWN") deps.metrics.priceRefusals.inc();
  deps.metrics.requestSeconds.labels(route).observe(durationMs / 1000);
  if (!isWorthALine(deps, status, durationMs)) return;
  const { correlationId, visitor, error } = trace;
  const fields = {
    correlationId,
    method: request.method,
    route,
    status,
    durationMs: Math.round(durationMs),
    userId: visitor?.principal.userId,
    keyPrefix: visitor?.principal.key?.prefix,
    retryCount: request.headers["x-stainless-retry-count"],
    ...(trace.settled === undefined ? {} : callFields(trace.settled)),
    ...(error === undefined ? {} : { error }),
  };
  if (status >= 500) deps.log.error(fields, "request failed");
  else if (status >= 400) deps.log.warn(fields, "request refused");
  else deps.log.info(fields, "request answered");
}

function callFields({ provider, model, usage, costPico, outcome }: Settlement) {
  const { input, cacheRead, output } = usage ?? {};
  return {
    provider,
    model,
    inputTokens: input,
    cachedInputTokens: cacheRead,
    outputTokens: output,
    costUsd: usdText(costPico),
    outcome,
  };
}

function isWorthALine({ logCalls, chance }: TraceDeps, status: number, durationMs: number): boolean {
  if (status >= 400 || durationMs > SLOW_MS || logCalls === "all") return true;
  return logCalls === "sampled" && fraction(chance) < SAMPLED_SHARE;
}
