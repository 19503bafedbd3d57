import type { Settlement } from "../costs/ledger.ts";
import { usdNumber } from "../lib/money.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** What a settled call adds to the metrics. */
export function countSettled(metrics: Metrics, settlement: Settlement): void {
  const { provider, outcome, usage, usageSource, costPico, latencyMs, price } = settlement;
  metrics.calls.labels(provider, outcome).inc();
  metrics.upstreamSeconds.labels(provider).observe(latencyMs / 1000);
  metrics.costUsd.labels(provider, usageSource).inc(usdNumber(costPico));
  if (price.source === "default") metrics.unpricedCalls.inc();
  if (usage === undefined) return;
  metrics.tokens.labels(provider, "input").inc(usage.input);
  metrics.tokens.labels(provider, "cached_input").inc(usage.cacheRead);
  metrics.tokens.labels(provider, "output").inc(usage.output);
}
