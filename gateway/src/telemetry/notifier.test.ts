import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { sql } from "kysely";
import { DAY_MS, VirtualClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import { until } from "../lib/until.testing.ts";
import { testStore } from "../store/testing.ts";
import { type Announce, announcer, type Delivery } from "./notifier.outbox.ts";
import { type Courier, type DeliveryOutcome, notifier } from "./notifier.ts";

const store = await testStore();
after(() => store.close());
beforeEach(async () => {
  await sql`truncate deliveries, events, webhooks restart identity`.execute(store.db);
});

const noTrouble = (error: unknown): never => {
  throw error;
};

function outboxAt(clock: VirtualClock): () => Promise<void> {
  const announce: Announce = announcer({ clock, chance: seededChance(1), always: ["alert-webhook"] });
  return () => store.db.transaction().execute((tx) => announce(tx, "budget.warning", { name: "P" }));
}

/** A notifier whose looks are made by hand: `look` resolves when everything due was tried. */
function notifying(clock: VirtualClock, courier: Courier) {
  const outcomes: DeliveryOutcome[] = [];
  const open = () =>
    notifier({
      db: store.db,
      clock,
      couriers: { "alert-webhook": courier, webhook: courier },
      onOutcome: (_delivery, outcome) => void outcomes.push(outcome),
      onTrouble: noTrouble,
    });
  return { outcomes, look: () => open().close() };
}

const waiting = () => store.db.selectFrom("deliveries").selectAll().execute();

test("an event that is announced is delivered once, and the outbox is empty again", async () => {
  const clock = new VirtualClock();
  const seen: Delivery[] = [];
  const { look, outcomes } = notifying(clock, async (delivery) => void seen.push(delivery));
  await outboxAt(clock)();
  await look();
  clock.advance(120_000);
  await look();
  assert.deepEqual(outcomes, ["delivered"]);
  assert.deepEqual(await waiting(), []);
  const event = JSON.parse(seen[0]!.event) as Record<string, unknown>;
  assert.deepEqual(event, {
    id: seen[0]!.eventId,
    type: "budget.warning",
    at: "2026-01-01T00:00:00.000Z",
    data: { name: "P" },
  });
});

test("an event of a transaction that does not commit is never told", async () => {
  const clock = new VirtualClock();
  const announce = announcer({ clock, chance: seededChance(1), always: ["alert-webhook"] });
  const undone = store.db.transaction().execute(async (tx) => {
    await announce(tx, "budget.warning", {});
    throw new Error("undone");
  });
  await assert.rejects(undone, /undone/);
  assert.deepEqual(await waiting(), []);
});

test("what is not accepted is tried after 5 s, 30 s, 2 min, 10 min and then every hour, with the same id and body", async () => {
  const clock = new VirtualClock();
  const start = clock.now();
  const tries: [at: number, id: string, event: string][] = [];
  const { look, outcomes } = notifying(clock, async ({ eventId, event }) => {
    tries.push([(clock.now() - start) / 1000, eventId, event]);
    throw new Error("not now");
  });
  await outboxAt(clock)();
  while ((await waiting()).length > 0 && clock.now() - start < 2 * DAY_MS) {
    await look();
    const [next] = await waiting();
    if (next !== undefined) clock.advance(next.due_at.getTime() - clock.now());
  }
  assert.deepEqual(
    tries.slice(0, 7).map(([at]) => at),
    [0, 5, 35, 155, 755, 4_355, 7_955],
  );
  assert.equal(new Set(tries.map(([, id, event]) => id + event)).size, 1);
  assert.ok(tries.at(-1)![0] <= 86_400, "a day later it is given up");
  assert.ok(tries.at(-1)![0] > 86_400 - 7_200);
  assert.equal(outcomes.at(-1), "abandoned");
  assert.equal(outcomes.filter((outcome) => outcome === "retried").length, tries.length - 1);
});

test("two instances that look at once deliver each event once", async () => {
  const clock = new VirtualClock();
  const announce = outboxAt(clock);
  for (let count = 0; count < 50; count++) await announce();
  const seen: string[] = [];
  const instances = [1, 2, 3].map(() => notifying(clock, async ({ eventId }) => void seen.push(eventId)));
  await Promise.all(instances.map(({ look }) => look()));
  assert.equal(seen.length, 50);
  assert.equal(new Set(seen).size, 50);
});

test("what an instance took and never reported is delivered by another when the lease has ended", async () => {
  const clock = new VirtualClock();
  await outboxAt(clock)();
  notifier({
    db: store.db,
    clock,
    couriers: { "alert-webhook": () => new Promise(() => {}) },
    onOutcome: () => {},
    onTrouble: () => {},
  });
  while ((await waiting())[0]!.attempts === 0) await new Promise((resolve) => setImmediate(resolve));
  const { look, outcomes } = notifying(clock, async () => {});
  clock.step(59_999);
  await look();
  assert.deepEqual(outcomes, []);
  clock.step(1);
  await look();
  assert.deepEqual(outcomes, ["delivered"]);
});

test("a webhook hears of the events it asked for, and of nothing once it is deleted", async () => {
  const clock = new VirtualClock();
  const at = new Date(0);
  const row = (events: string[]) => ({
    url: "https://example.com/",
    events,
    created_at: at,
    created_by: "usr_a",
  });
  await store.db
    .insertInto("webhooks")
    .values([row(["budget.warning", "job.dead"]), row(["budget.exceeded"]), row(["budget.warning"])])
    .execute();
  await outboxAt(clock)();
  await store.db.deleteFrom("webhooks").where("id", "=", 3).execute();
  const seen: (number | null)[] = [];
  await notifying(clock, async ({ webhookId }) => void seen.push(webhookId)).look();
  assert.deepEqual(seen.toSorted(), [1, null]);
});

test("what goes where nobody delivers any more is kept for a day, and then given up", async () => {
  const clock = new VirtualClock();
  const announce = announcer({ clock, chance: seededChance(1), always: ["mail"] });
  await store.db.transaction().execute((tx) => announce(tx, "budget.warning", {}));
  const { look, outcomes } = notifying(clock, async () => {});
  clock.advance(DAY_MS);
  await look();
  assert.equal((await waiting()).length, 1);
  clock.advance(1);
  await look();
  assert.deepEqual([outcomes, await waiting()], [["abandoned"], []]);
});

test("a place that never answers holds up no other", async () => {
  const clock = new VirtualClock();
  const announce = announcer({ clock, chance: seededChance(1), always: ["alert-webhook", "mail"] });
  for (let count = 0; count < 60; count++) {
    await store.db.transaction().execute((tx) => announce(tx, "budget.warning", {}));
  }
  const couriers = { "alert-webhook": () => new Promise<void>(() => {}), mail: async () => {} };
  notifier({ db: store.db, clock, couriers, onOutcome: () => {}, onTrouble: noTrouble });
  await until(async () => (await waiting()).every(({ destination }) => destination === "alert-webhook"));
  assert.equal((await waiting()).length, 60);
});
