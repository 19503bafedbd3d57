import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "@prometheus-io/client";

const SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** Finding the child of a set of labels costs more than counting with it: each is made once. */
function remembering<M extends { labels(...values: string[]): object }>(metric: M): M {
  const make = metric.labels.bind(metric);
  const children = new Map<string, object>();
  metric.labels = (...values: string[]) => {
    const key = values.join("\n");
    let child = children.get(key);
    if (child === undefined) {
      child = make(...values);
      children.set(key, child);
    }
    return child;
  };
  return metric;
}

const BREAKER_STATES = { closed: 0, open: 1, half_open: 2 } as const;

/**
 * Every metric there is (X2). Labels come from small fixed sets: never a user, a key, an address, or a model name
 * that a caller made up.
 */
export function newMetrics(read: {
  readonly callsInFlight: () => number;
  readonly breakers?: () => readonly {
    readonly provider: string;
    readonly state: keyof typeof BREAKER_STATES;
  }[];
  readonly breakersAreShared?: () => boolean;
}) {
  const registers = [new Registry()];
  const registry = registers[0]!;
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    authRequests: remembering(
      new Counter({
        name: "auth_requests_total",
        help: "Requests that needed a credential, by what came of it.",
        labelNames: ["outcome", "method"] as const,
        registers,
      }),
    ),
    rateLimitHits: remembering(
      new Counter({
        name: "auth_rate_limit_hits_total",
        help: "Requests refused by a rate limit, by the limit that was reported.",
        labelNames: ["limit"] as const,
        registers,
      }),
    ),
    quotaExceeded: new Counter({
      name: "auth_quota_exceeded_total",
      help: "Requests refused because a daily quota was used up.",
      registers,
    }),
    keyCacheLookups: remembering(
      new Counter({
        name: "auth_key_cache_lookups_total",
        help: "Look-ups in the cache of verified identities.",
        labelNames: ["result"] as const,
        registers,
      }),
    ),
    rateLimitDegraded: new Counter({
      name: "rate_limit_degraded_total",
      help: "Limit decisions made without the shared counters.",
      registers,
    }),
    wouldRefuse: remembering(
      new Counter({
        name: "protection_would_refuse_total",
        help: "What protections that only report would have refused, by scope or limit.",
        labelNames: ["what"] as const,
        registers,
      }),
    ),
    cooldowns: remembering(
      new Counter({
        name: "cooldowns_started_total",
        help: "Cooldowns started, by what was repeated.",
        labelNames: ["sign"] as const,
        registers,
      }),
    ),
    requests: remembering(
      new Counter({
        name: "tollgate_requests_total",
        help: "Finished requests by route and status.",
        labelNames: ["route", "status"] as const,
        registers,
      }),
    ),
    requestSeconds: remembering(
      new Histogram({
        name: "tollgate_request_duration_seconds",
        help: "From the request's head to the last byte of its answer.",
        labelNames: ["route"] as const,
        buckets: SECONDS,
        registers,
      }),
    ),
    upstreamSeconds: remembering(
      new Histogram({
        name: "tollgate_upstream_duration_seconds",
        help: "From asking the provider to the last byte of its answer.",
        labelNames: ["provider"] as const,
        buckets: SECONDS,
        registers,
      }),
    ),
    firstByteSeconds: remembering(
      new Histogram({
        name: "tollgate_time_to_first_byte_seconds",
        help: "From asking the provider to the first byte of its answer.",
        labelNames: ["provider"] as const,
        buckets: SECONDS,
        registers,
      }),
    ),
    calls: remembering(
      new Counter({
        name: "tollgate_calls_total",
        help: "AI calls by provider and outcome.",
        labelNames: ["provider", "outcome"] as const,
        registers,
      }),
    ),
    tokens: remembering(
      new Counter({
        name: "tollgate_tokens_total",
        help: "Tokens on the ledger.",
        labelNames: ["provider", "type"] as const,
        registers,
      }),
    ),
    costUsd: remembering(
      new Counter({
        name: "tollgate_cost_usd_total",
        help: "Money on the ledger, USD, rounded to doubles; the ledger itself is exact.",
        labelNames: ["provider", "source"] as const,
        registers,
      }),
    ),
    eventListeners: new Gauge({
      name: "tollgate_event_listeners",
      help: "Connections on which live events are told.",
      registers,
    }),
    eventListenersEnded: remembering(
      new Counter({
        name: "tollgate_event_listeners_ended_total",
        help: "Connections of live events that were ended here, by reason.",
        labelNames: ["reason"] as const,
        registers,
      }),
    ),
    unpricedCalls: new Counter({
      name: "tollgate_unpriced_requests_total",
      help: "Calls charged at the default rates because their model is in no price book.",
      registers,
    }),
    priceRefusals: new Counter({
      name: "tollgate_price_refusals_total",
      help: "Calls refused because their model is in no price book (PRICE_UNKNOWN_POLICY=deny).",
      registers,
    }),
    budgetRefusals: new Counter({
      name: "tollgate_budget_refusals_total",
      help: "Calls refused because a budget did not hold them.",
      registers,
    }),
    callsInFlight: new Gauge({
      name: "tollgate_calls_in_flight",
      help: "AI calls that have reserved money and are not settled yet.",
      registers,
      collect() {
        this.set(read.callsInFlight());
      },
    }),
    expiredReservations: new Counter({
      name: "tollgate_expired_reservations_total",
      help: "Reservations of dead calls that were charged at their upper bound.",
      registers,
    }),
    ledgerDrift: new Gauge({
      name: "tollgate_ledger_drift",
      help: "Counters of today and yesterday that differed from the ledger at the last look.",
      registers,
    }),
    closedDays: new Counter({
      name: "tollgate_ledger_days_closed_total",
      help: "Days whose ledger rows were deleted because they are older than LEDGER_RETENTION_DAYS.",
      registers,
    }),
    jobs: remembering(
      new Gauge({
        name: "tollgate_jobs",
        help: "Jobs that are not over, by state; dead letters too.",
        labelNames: ["state"] as const,
        registers,
      }),
    ),
    oldestJobSeconds: new Gauge({
      name: "tollgate_jobs_oldest_wait_seconds",
      help: "How long the oldest job has waited that a worker might take.",
      registers,
    }),
    jobAttempts: remembering(
      new Counter({
        name: "tollgate_job_attempts_total",
        help: "Attempts of this process's worker to do a job, by how they ended.",
        labelNames: ["outcome"] as const,
        registers,
      }),
    ),
    deliveries: remembering(
      new Counter({
        name: "tollgate_event_deliveries_total",
        help: "Attempts to tell people of an event, by where it goes and what came of it.",
        labelNames: ["type", "outcome"] as const,
        registers,
      }),
    ),
    breakerState: new Gauge({
      name: "tollgate_breaker_state",
      help: "Circuit breaker of a provider: 0 closed, 1 open, 2 half open.",
      labelNames: ["provider"] as const,
      registers,
      collect() {
        for (const { provider, state } of read.breakers?.() ?? [])
          this.labels(provider).set(BREAKER_STATES[state]);
      },
    }),
    breakerTransitions: remembering(
      new Counter({
        name: "tollgate_breaker_transitions_total",
        help: "Changes of circuit breakers that this instance made; half_open: a call was let through to try.",
        labelNames: ["provider", "to"] as const,
        registers,
      }),
    ),
    breakersShared: new Gauge({
      name: "tollgate_breakers_shared",
      help: "0 while the shared state is away and this instance keeps its breakers by itself.",
      registers,
      collect() {
        this.set(read.breakersAreShared?.() === false ? 0 : 1);
      },
    }),
    settleFailures: new Counter({
      name: "tollgate_settle_failures_total",
      help: "Attempts to write settlements that failed; they are tried again.",
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof newMetrics>;
