import { type EnterDeps, stay } from "./calls/enter.ts";
import { type Live, listenersGate, openLive } from "./calls/live.ts";
import type { Settings } from "./config/settings.ts";
import type { Clock } from "./lib/clock.ts";
import type { Store } from "./store/store.ts";
import { EVENTS_CHANNEL, forgetEvents, forgetForeignEvents } from "./telemetry/live.log.ts";
import type { Metrics } from "./telemetry/metrics.ts";

const FORGET_EVERY_MS = 600_000;
const HOUR_MS = 3_600_000;

/** Live events: told to whoever is connected here, and forgotten when they are old. */
export async function openEvents(deps: {
  readonly settings: Settings;
  readonly store: Store;
  readonly clock: Clock;
  readonly entering: Pick<EnterDeps, "identifier" | "scopesMode" | "onWouldRefuse">;
  readonly metrics: Metrics;
  readonly trouble: (what: string) => (error: unknown) => void;
}): Promise<Live> {
  const { settings, store, clock, entering, metrics, trouble } = deps;
  const live = openLive({
    db: store.db,
    clock,
    maxListeners: settings.EVENTS_MAX_CONNECTIONS,
    stay: (visitor) => stay(entering, visitor, listenersGate),
    onCount: (listeners) => metrics.eventListeners.set(listeners),
    onEnd: (reason) =>
      metrics.eventListenersEnded.labels(typeof reason === "string" ? reason : reason.code).inc(),
    onTrouble: trouble("events not read"),
  });
  await forgetForeignEvents(store.maintenance).catch(trouble("events of another database not forgotten"));
  const unlisten = await store.listen(EVENTS_CHANNEL, live.wake);
  const forget = () =>
    forgetEvents(store.maintenance, clock.now() - settings.EVENTS_RETENTION_HOURS * HOUR_MS).catch(
      trouble("old events not forgotten"),
    );
  const stopForgetting = clock.every(FORGET_EVERY_MS, forget);
  return {
    ...live,
    async close() {
      stopForgetting();
      await live.close();
      await unlisten();
    },
  };
}
