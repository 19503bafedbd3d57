import assert from "node:assert/strict";
import { test } from "node:test";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Visitor } from "../calls/enter.ts";
import { grant, principal } from "../identity/testing.ts";
import { VirtualClock } from "../lib/clock.ts";
import { type Chance, seededChance } from "../lib/ids.ts";
import { jsonLog } from "../telemetry/log.ts";
import { newMetrics } from "../telemetry/metrics.ts";
import { correlationIdOf, finishTrace, startTrace, type TraceDeps } from "./trace.ts";

type Finished = { status?: number; durationMs?: number; error?: unknown; headers?: Record<string, string> };

function tracing(logCalls: TraceDeps["logCalls"], chance: Chance = seededChance(1)) {
  const clock = new VirtualClock();
  const lines: Record<string, unknown>[] = [];
  const metrics = newMetrics({ callsInFlight: () => 0 });
  const log = jsonLog("debug", clock, { write: (line: string) => lines.push(JSON.parse(line)) });
  const deps: TraceDeps = { clock, chance, log, metrics, logCalls };
  return {
    lines,
    metrics,
    /** One request from its head to its last byte; answers the headers that went with it. */
    run({ status = 200, durationMs = 5, error, headers = {} }: Finished = {}, visitor?: Visitor) {
      const sent: Record<string, string> = {};
      const request = { method: "GET", headers, routeOptions: { url: "/v1/models/*" } } as FastifyRequest;
      const reply = {
        header: (name: string, value: string) => {
          sent[name] = value;
        },
        hasHeader: (name: string) => name in sent,
      } as unknown as FastifyReply;
      startTrace(deps, request, reply);
      Object.assign(request.tollgateTrace, { error, visitor });
      clock.advance(durationMs);
      finishTrace(deps, request, status);
      return sent;
    },
  };
}

test("a request's own id is kept if it is well formed, else it gets a new one", () => {
  const chance = seededChance(1);
  const idOf = (headers: Record<string, string>) => correlationIdOf(headers, chance);
  assert.equal(idOf({ "x-correlation-id": "mine-1234", "x-request-id": "other-1234" }), "mine-1234");
  assert.equal(idOf({ "x-correlation-id": "bad id", "x-request-id": "other-1234" }), "other-1234");
  assert.match(idOf({ "x-correlation-id": "a".repeat(129), "x-request-id": "short" }), /^req_/);
  assert.match(idOf({}), /^req_/);
});

test("every answer carries the correlation id under both names", () => {
  const sent = tracing("errors").run({ headers: { "x-request-id": "mine-1234" } });
  assert.deepEqual([sent["x-correlation-id"], sent["x-request-id"]], ["mine-1234", "mine-1234"]);
});

test("failures and slow requests are always logged, others as LOG_CALLS asks", () => {
  for (const [logCalls, finished, level] of [
    ["errors", { status: 200 }, undefined],
    ["errors", { status: 302 }, undefined],
    ["errors", { status: 404 }, "warn"],
    ["errors", { status: 502 }, "error"],
    ["errors", { durationMs: 60_000 }, undefined],
    ["errors", { durationMs: 60_001 }, "info"],
    ["all", { status: 200 }, "info"],
    ["sampled", { status: 400 }, "warn"],
  ] as const) {
    const { run, lines } = tracing(logCalls);
    run(finished);
    assert.deepEqual(
      lines.map((line) => line.level),
      level === undefined ? [] : [level],
      `${logCalls} ${JSON.stringify(finished)}`,
    );
  }
});

test("sampling writes about one answer in a hundred", () => {
  const { run, lines } = tracing("sampled", seededChance(3));
  for (let round = 0; round < 10_000; round++) run();
  assert.ok(lines.length > 60 && lines.length < 140, `${lines.length} of 10,000`);
});

test("a line says who asked for what and how it went, and never with which secret", () => {
  const { run, lines } = tracing("all");
  const who = principal({ credential: { kind: "key" }, key: grant() });
  run(
    {
      status: 500,
      error: new Error("broken"),
      headers: { "x-request-id": "mine-1234", authorization: "hunter2" },
    },
    { principal: who, presented: { token: "hunter2" }, address: "198.51.100.7" },
  );
  const { error, time: _time, ...line } = lines[0]!;
  assert.deepEqual(line, {
    level: "error",
    correlationId: "mine-1234",
    method: "GET",
    route: "/v1/models/*",
    status: 500,
    durationMs: 5,
    userId: "usr_ann",
    keyPrefix: "AbCdEf012345",
    msg: "request failed",
  });
  assert.match(JSON.stringify(error), /broken/);
  assert.doesNotMatch(JSON.stringify(lines), /hunter2/);
});

test("what a provider said of a call that failed is a line without a stack", () => {
  const { run, lines } = tracing("errors");
  run({ status: 502, error: "openai answered 401: bad key sk-12345678" });
  assert.deepEqual([lines[0]!.level, lines[0]!.error], ["error", "openai answered 401: bad key ***"]);
});

test("every finished request counts once, logged or not", async () => {
  const { run, metrics } = tracing("errors");
  run();
  run({ status: 404 });
  const text = await metrics.registry.metrics();
  assert.match(text, /tollgate_requests_total\{route="\/v1\/models\/\*",status="200"\} 1/);
  assert.match(text, /tollgate_request_duration_seconds_count\{route="\/v1\/models\/\*"\} 2/);
});
