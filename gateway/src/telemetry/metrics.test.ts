import assert from "node:assert/strict";
import { test } from "node:test";
import { newMetrics } from "./metrics.ts";

const idle = { callsInFlight: () => 0 };

const promised = [
  "auth_requests_total",
  "auth_rate_limit_hits_total",
  "auth_quota_exceeded_total",
  "auth_key_cache_lookups_total",
  "rate_limit_degraded_total",
  "tollgate_request_duration_seconds",
  "tollgate_upstream_duration_seconds",
  "tollgate_cost_usd_total",
  "tollgate_tokens_total",
  "tollgate_calls_total",
  "tollgate_calls_in_flight",
  "tollgate_breaker_state",
  "tollgate_breaker_transitions_total",
  "tollgate_jobs",
];

test("the promised metrics exist under their names, in Prometheus form", async () => {
  const metrics = newMetrics({ callsInFlight: () => 7 });
  metrics.authRequests.labels("accepted", "key").inc();
  const text = await metrics.registry.metrics();
  for (const name of promised) assert.match(text, new RegExp(`^# TYPE ${name} `, "m"));
  assert.match(text, /^auth_requests_total\{outcome="accepted",method="key"\} 1$/m);
  assert.match(text, /^tollgate_calls_in_flight 7$/m);
});

test("two instances in one process count for themselves", async () => {
  const [one, other] = [newMetrics(idle), newMetrics(idle)];
  one.quotaExceeded.inc();
  assert.match(await one.registry.metrics(), /^auth_quota_exceeded_total 1$/m);
  assert.match(await other.registry.metrics(), /^auth_quota_exceeded_total 0$/m);
});

test("no metric is labelled by a user, a key, an address or a name that a caller made up", () => {
  const { registry: _registry, ...metrics } = newMetrics(idle);
  const labels = Object.values(metrics).flatMap(
    (metric) => (metric as unknown as { labelNames: readonly string[] }).labelNames,
  );
  const known = new Set([
    "outcome",
    "method",
    "limit",
    "result",
    "route",
    "status",
    "provider",
    "type",
    "source",
    "reason",
    "what",
    "sign",
    "to",
    "state",
  ]);
  assert.ok(labels.length > 8);
  assert.deepEqual(
    labels.filter((label) => !known.has(label)),
    [],
  );
});
