import type { EnterDeps } from "./calls/enter.ts";
import { type Quotas, quotas } from "./calls/quotas.ts";
import { abuseRules, limitPlan } from "./config/config.ts";
import type { ConfigFile } from "./config/file.ts";
import type { Settings } from "./config/settings.ts";
import { readDeployment } from "./identity/users.ts";
import { type Clock, eventLoopDelay } from "./lib/clock.ts";
import type { Chance } from "./lib/ids.ts";
import { type Abuse, abuse } from "./limits/abuse.ts";
import { type AdmitDeps, admit } from "./limits/admit.ts";
import { applicableLimits, type LimitRules } from "./limits/applicable.ts";
import { memoryCounters } from "./limits/counters.memory.ts";
import { keyOf, redisCounters } from "./limits/counters.redis.ts";
import type { Counters } from "./limits/limit.ts";
import { quotaMirror } from "./limits/mirror.ts";
import { type Pressure, pressure } from "./limits/pressure.ts";
import { type ProvenQuotas, provenQuotas } from "./limits/proven-quotas.ts";
import { openRedis, type RedisDoor } from "./store/redis.ts";
import type { Db } from "./store/tables.ts";
import type { Cause, Change } from "./telemetry/change.ts";
import type { Log } from "./telemetry/log.ts";
import type { Metrics } from "./telemetry/metrics.ts";

/** What counts: shared by every instance through Redis, or by this process alone. */
export type OpenCounters = {
  readonly counters: Counters;
  /** Counters of this process, for when `counters` is away. */
  readonly fallback: Counters;
  readonly proven: ProvenQuotas;
  /** Undefined without Redis: this process shares nothing. */
  readonly shared: { readonly redis: RedisDoor; readonly keyOf: (name: string) => string } | undefined;
  close(): Promise<void>;
};

export async function openCounters(deps: {
  readonly settings: Settings;
  readonly db: Db;
  readonly clock: Clock;
}): Promise<OpenCounters> {
  const { settings, db, clock } = deps;
  const proven = provenQuotas();
  if (settings.REDIS_URL === undefined) {
    const counters = memoryCounters({ clock });
    return { counters, fallback: counters, proven, shared: undefined, close: () => counters.close() };
  }
  const redis = openRedis({ url: settings.REDIS_URL, clock, onConnected: proven.forget });
  const deployment = await readDeployment(db);
  const counters = redisCounters({ redis, deployment });
  return {
    counters,
    fallback: memoryCounters({ clock }),
    proven,
    shared: { redis, keyOf: (name) => keyOf(deployment, name) },
    async close() {
      await counters.close();
      await redis.close();
    },
  };
}

export type OpenLimits = Pick<EnterDeps, "limitsOf" | "admit" | "scopesMode" | "onWouldRefuse"> & {
  readonly rules: LimitRules;
  readonly abuse: Abuse;
  readonly quotas: Quotas;
  readonly pressure: Pressure;
  /** Writes what the daily counts have not told PostgreSQL yet. */
  close(): Promise<void>;
};

/** Everything that decides whether a call may run now. */
export function openLimits(deps: {
  readonly settings: Settings;
  readonly file: ConfigFile;
  readonly db: Db;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly counting: OpenCounters;
  readonly change: Change;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Jobs that wait for a worker. */
  readonly queueDepth: () => number;
  readonly subjectOfAddress: (address: string) => string;
  readonly subjectOfDevice: (device: string) => string;
  readonly trouble: (what: string) => (error: unknown) => void;
}): OpenLimits {
  const { settings, clock, counting, metrics, log, subjectOfAddress, subjectOfDevice, trouble } = deps;
  const { counters, fallback } = counting;
  const authority = quotas({ db: deps.db, clock });
  const mirror = quotaMirror({
    clock,
    write: (counts) =>
      authority.mirror(counts).catch((error: unknown) => {
        trouble("daily counts not written")(error);
        throw error;
      }),
  });
  const admitDeps: AdmitDeps = {
    clock,
    counters,
    fallback,
    localShare: settings.RATE_LIMIT_LOCAL_SHARE_PERCENT / 100,
    failMode: settings.REDIS_FAIL_MODE,
    seedOf: authority.usedToday,
    quotas: authority,
    mirror,
    proven: counting.proven,
  };
  const loop = eventLoopDelay();
  const loadPressure = pressure({
    clock,
    chance: deps.chance,
    maxInFlight: settings.OVERLOAD_MAX_IN_FLIGHT,
    maxQueueDepth: settings.OVERLOAD_MAX_QUEUE_DEPTH,
    maxDelayMs: settings.OVERLOAD_MAX_EVENT_LOOP_DELAY_MS,
    queueDepth: deps.queueDepth,
    loopDelayP99Ms: loop.sampleP99Ms,
  });
  const rules = { ...limitPlan(settings, deps.file), subjectOfAddress, subjectOfDevice };
  return {
    rules,
    limitsOf: applicableLimits(rules),
    admit: (limits) => admit(admitDeps, limits),
    scopesMode: settings.SCOPES_MODE,
    onWouldRefuse(what, { principal }) {
      for (const id of what) metrics.wouldRefuse.labels(id).inc();
      log.warn({ userId: principal.userId, keyPrefix: principal.key?.prefix, what }, "would be refused");
    },
    abuse: abuse({
      clock,
      counters,
      fallback,
      rules: abuseRules(settings),
      subjectOfAddress,
      onStarted(sign, { kind, id }, until) {
        metrics.cooldowns.labels(sign).inc();
        log.warn({ sign, kind, id, until: new Date(until).toISOString() }, "cooldown started");
        // Anybody can bring addresses into cooldowns, as many as they like: those are not for the audit log.
        if (kind === "address" || kind === "guest") return;
        deps
          .change(BY_ABUSE, async (_tx, note) =>
            note({ action: "cooldown.start", target: { type: kind, id }, reason: sign }),
          )
          .catch(trouble("cooldown not noted"));
      },
      onTrouble: trouble("sign of abuse not counted"),
    }),
    quotas: authority,
    pressure: loadPressure,
    async close() {
      loadPressure.stop();
      loop.stop();
      await mirror.close();
    },
  };
}

const BY_ABUSE: Cause = { actor: { type: "system", id: "abuse" } };
