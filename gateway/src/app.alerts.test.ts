import assert from "node:assert/strict";
import { test } from "node:test";
import { openAlerts } from "./app.alerts.ts";
import { testSecretKey } from "./app.testing.ts";
import { readSettings } from "./config/environment.ts";
import { createBudget } from "./costs/budgets.ts";
import { VirtualClock } from "./lib/clock.ts";
import { seededChance } from "./lib/ids.ts";
import { until } from "./lib/until.testing.ts";
import { testStore } from "./store/testing.ts";
import { jsonLog } from "./telemetry/log.ts";
import { newMetrics } from "./telemetry/metrics.ts";

test("books that differ at a start are told in the log, and stand in the metrics until they agree", async () => {
  await using store = await testStore();
  const clock = new VirtualClock();
  const budget = { scope: "team", scopeId: "1", allocatedPico: 1_000n, period: "none" } as const;
  await createBudget(store.db, budget, clock.now());
  await store.db.updateTable("budgets").set({ reserved_pico: "5", spent_pico: "7" }).execute();
  const lines: string[] = [];
  const metrics = newMetrics({ callsInFlight: () => 0 });
  const alerts = openAlerts({
    settings: readSettings({}),
    secretKey: testSecretKey,
    store,
    clock,
    chance: seededChance(1),
    log: jsonLog("info", clock, { write: (line) => lines.push(line) }),
    metrics,
    trouble: () => assert.ifError,
  });
  const drift = async () => (await metrics.ledgerDrift.get()).values[0]?.value;
  await until(async () => (await drift()) === 2);
  assert.match(lines.join(""), /the books differ from the ledger: tollgate verify/);
  await store.db.updateTable("budgets").set({ reserved_pico: "0", spent_pico: "0" }).execute();
  clock.advance(900_000);
  await until(async () => (await drift()) === 0);
  await alerts.close();
});
