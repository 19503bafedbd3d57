import assert from "node:assert/strict";
import { test } from "node:test";
import { providerBreakers } from "./app.breakers.ts";
import { readSettings } from "./config/environment.ts";
import { VirtualClock } from "./lib/clock.ts";
import { seededChance } from "./lib/ids.ts";
import { until } from "./lib/until.testing.ts";
import { StoreUnavailable } from "./store/outages.ts";
import { testStore } from "./store/testing.ts";
import { jsonLog } from "./telemetry/log.ts";
import { mailText } from "./telemetry/mail.text.ts";
import { newMetrics } from "./telemetry/metrics.ts";
import type { OutgoingEvent } from "./telemetry/notifier.events.ts";
import { announcer } from "./telemetry/notifier.outbox.ts";

test("people are told when a provider is not asked any more and when it is again, and of no try in between", async () => {
  await using store = await testStore();
  const { db } = store;
  const clock = new VirtualClock();
  const chance = seededChance(1);
  const lines: string[] = [];
  const metrics = newMetrics({ callsInFlight: () => 0, breakers: () => breakers.seen() });
  const breakers = providerBreakers({
    settings: readSettings({ BREAKER_FAILURE_THRESHOLD: "2", BREAKER_OPEN_SECONDS: "10" }),
    providers: () => ["openai", "groq"],
    counting: { shared: undefined },
    db,
    clock,
    chance,
    announce: announcer({ clock, chance, always: ["alert-webhook"] }),
    log: jsonLog("info", clock, { write: (line) => lines.push(line) }),
    metrics,
    trouble: (what) => (error) => assert.ifError(new Error(what, { cause: error })),
  });
  const report = async (outcome: "ok" | "failure"): Promise<void> => {
    const pass = await breakers.admit("openai");
    assert.ok(pass.kind === "pass");
    pass.report(outcome);
    await breakers.states();
  };
  const value = async (name: string) => {
    const text = await metrics.registry.metrics();
    return text
      .split("\n")
      .find((line) => line.startsWith(name))
      ?.split(" ")[1];
  };

  await report("failure");
  await report("failure");
  assert.equal(await value('tollgate_breaker_state{provider="openai"}'), "1");
  const openedAt = clock.now();
  clock.advance(10_000);
  assert.equal(await value('tollgate_breaker_state{provider="openai"}'), "2");
  await report("failure");
  clock.advance(10_000);
  await report("ok");
  assert.equal(await value('tollgate_breaker_state{provider="openai"}'), "0");
  await breakers.close();

  const rows = await db.selectFrom("deliveries").select("event").orderBy("id").execute();
  const events = rows.map(({ event }) => JSON.parse(event) as OutgoingEvent);
  const told = { provider: "openai", seen_by: "every instance" };
  assert.deepEqual(
    events.map(({ type, data }) => [type, data]),
    [
      [
        "breaker.opened",
        {
          ...told,
          failures: 2,
          opened_at: new Date(openedAt).toISOString(),
          retry_at: new Date(openedAt + 10_000).toISOString(),
        },
      ],
      ["breaker.closed", { ...told, failures: 0, opened_at: null, retry_at: null }],
    ],
  );
  assert.equal(
    mailText(events[0]!).subject,
    "Tollgate: A provider is not asked any more, for it keeps failing (openai)",
  );
  const transitions = ["open", "half_open", "closed"].map((to) =>
    value(`tollgate_breaker_transitions_total{provider="openai",to="${to}"}`),
  );
  assert.deepEqual(await Promise.all(transitions), ["2", "2", "1"]);
  assert.match(lines.join(""), /"provider":"openai".*breaker opened/);
});

test("a change is told of when the database can be written to again, and one that is over by then is not", async () => {
  const clock = new VirtualClock();
  const chance = seededChance(1);
  await using store = await testStore();
  const write = announcer({ clock, chance, always: ["alert-webhook"] });
  const told: string[] = [];
  let isAway = true;
  let tries = 0;
  const breakers = providerBreakers({
    settings: readSettings({ BREAKER_FAILURE_THRESHOLD: "1", BREAKER_OPEN_SECONDS: "10" }),
    providers: () => ["openai", "groq"],
    counting: { shared: undefined },
    db: store.db,
    clock,
    chance,
    async announce(tx, type, data) {
      tries++;
      if (isAway) throw new StoreUnavailable("out of reach");
      await write(tx, type, data);
      told.push(`${data.provider} ${type}`);
    },
    log: jsonLog("info", clock, { write: () => {} }),
    metrics: newMetrics({ callsInFlight: () => 0, breakers: () => breakers.seen() }),
    trouble: () => () => {},
  });
  const report = async (provider: string, outcome: "ok" | "failure"): Promise<void> => {
    const pass = await breakers.admit(provider);
    assert.ok(pass.kind === "pass");
    pass.report(outcome);
    await breakers.states();
  };
  await report("openai", "failure");
  await report("groq", "failure");
  await until(() => {
    clock.advance(1_000);
    return tries === 5;
  });
  await report("openai", "ok");
  isAway = false;
  await until(() => {
    clock.advance(1_000);
    return told.length === 2;
  });
  await breakers.close();
  assert.deepEqual(told, ["groq breaker.opened", "openai breaker.closed"]);
});
