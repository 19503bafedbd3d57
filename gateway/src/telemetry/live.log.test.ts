import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { sql } from "kysely";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import { until } from "../lib/until.testing.ts";
import { testStore } from "../store/testing.ts";
import { eventsAfter, forgetEvents, forgetForeignEvents, placeOfEvent, presentPlace } from "./live.log.ts";
import type { EventData, EventType } from "./notifier.events.ts";
import { announcer } from "./notifier.outbox.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
beforeEach(async () => {
  await sql`truncate events restart identity`.execute(db);
});

const clock = new VirtualClock();
const announce = announcer({ clock, chance: seededChance(1), always: [] });
const written = (type: EventType, data: EventData) =>
  db.transaction().execute((tx) => announce(tx, type, data));
/** It can be read: a transaction of another test, anywhere on the server, holds it back until then. */
async function told(type: EventType, data: EventData): Promise<void> {
  await written(type, data);
  await until(async () => !(await eventsAfter(db, [0, 0], 100)).isHeld, { limitMs: 30_000 });
}
const jobEvent = (job: number) => told("job.dead", { job_id: job, project_id: 7 });
async function all() {
  await until(async () => !(await eventsAfter(db, [0, 0], 100)).isHeld, { limitMs: 30_000 });
  return (await eventsAfter(db, [0, 0], 100)).events;
}

test("an event is read as webhooks get it, with whom it concerns", async () => {
  await told("breaker.opened", { provider: "openai" });
  await told("job.blocked", { job_id: 1, project_id: 7 });
  await told("budget.warning", { scope: "project", scope_id: "8" });
  await told("budget.warning", { scope: "team", scope_id: "9" });
  await told("budget.warning", { scope: "user", scope_id: "usr_ann" });
  const events = await all();
  assert.deepEqual(
    events.map(({ projectId, teamId, userId }) => [projectId, teamId, userId]),
    [
      [null, null, null],
      [7, null, null],
      [8, null, null],
      [null, 9, null],
      [null, null, "usr_ann"],
    ],
  );
  const { id, text } = events[0]!;
  const data = { provider: "openai" };
  assert.deepEqual(JSON.parse(text), { id, type: "breaker.opened", at: "2026-01-01T00:00:00.000Z", data });
});

test("a page ends where the next begins, and tells whether there is more", async () => {
  for (const job of [1, 2, 3, 4, 5]) await jobEvent(job);
  const first = await eventsAfter(db, [0, 0], 3);
  const second = await eventsAfter(db, first.upTo, 3);
  assert.deepEqual([first.events.length, first.isFull], [3, true]);
  assert.deepEqual([second.events.length, second.isFull], [2, false]);
  assert.deepEqual((await eventsAfter(db, second.upTo, 3)).events, []);
});

test("whoever begins at present hears of what comes, and not of what was", async () => {
  await jobEvent(1);
  const place = await presentPlace(db);
  assert.deepEqual((await eventsAfter(db, place, 10)).events, []);
  await jobEvent(2);
  assert.equal((await eventsAfter(db, place, 10)).events.length, 1);
});

test("whoever found an event finds all behind it, and a forgotten one is not found", async () => {
  for (const job of [1, 2, 3]) {
    await jobEvent(job);
    clock.advance(1_000);
  }
  const ids = (await all()).map(({ id }) => id);
  const second = await placeOfEvent(db, ids[1]!);
  assert.deepEqual(
    (await eventsAfter(db, second!, 10)).events.map(({ id }) => id),
    [ids[2]],
  );
  assert.equal(await forgetEvents(db, clock.now() - 2_000), 1);
  assert.equal(await placeOfEvent(db, ids[0]!), undefined);
  assert.deepEqual(
    (await all()).map(({ id }) => id),
    ids.slice(1),
  );
  // A clock that was ahead: it is younger than what follows, and all of that stays.
  await sql`update events set at = at + interval '1 hour' where id = ${ids[1]}`.execute(db);
  assert.equal(await forgetEvents(db, clock.now()), 0);
  assert.equal(await forgetEvents(db, clock.now() + 7_200_000), 2);
});

test("an event from a database that this one was restored from is no place to go on from", async () => {
  await jobEvent(1);
  const [event] = await all();
  await sql`update events set tx = (tx::text::bigint + 1000000)::text::xid8`.execute(db);
  assert.equal(await placeOfEvent(db, event!.id), undefined);
});

test("events of a database that this one was restored from are forgotten, and hold nothing back", async () => {
  await jobEvent(1);
  await sql`update events set tx = (tx::text::bigint + 1000000)::text::xid8`.execute(db);
  await written("job.dead", { job_id: 2, project_id: 7 });
  const held = async () => (await eventsAfter(db, [0, 0], 10)).isHeld;
  assert.equal(await held(), true);
  assert.equal(await forgetForeignEvents(db), 1);
  await until(async () => !(await held()), { limitMs: 30_000 });
  assert.deepEqual(
    (await all()).map(({ text }) => JSON.parse(text).data.job_id),
    [2],
  );
});

test("every change of a job's status is an event of its project", async () => {
  await sql`insert into users (id, name, role, created_at) values ('usr_ann', 'A', 'developer', now())`.execute(
    db,
  );
  await sql`insert into projects (name, owner_id, created_at) values ('P', 'usr_ann', now())`.execute(db);
  await sql`
    insert into jobs (project_id, user_id, type, payload, status, body_hash, correlation_id, max_retries,
      estimated_cost_pico, needed_pico)
    select id, 'usr_ann', 'summarize', '{}', 'pending', '', 'req', 3, 0, 0 from projects`.execute(db);
  await sql`update jobs set status = 'cancelled', retry_count = 2`.execute(db);
  await sql`update jobs set status = 'cancelled'`.execute(db);
  const events = await all();
  assert.ok(events.every(({ projectId }) => projectId === 1));
  const texts = events.map(
    ({ text }) => JSON.parse(text) as { id: string; type: string; at: string; data: object },
  );
  const job = { job_id: 1, project_id: 1, type: "summarize", failure_reason: null };
  assert.deepEqual(
    texts.map(({ data }) => data),
    [
      { ...job, status: "pending", retry_count: 0 },
      { ...job, status: "cancelled", retry_count: 2 },
    ],
  );
  for (const [index, { id, type, at }] of texts.entries()) {
    assert.equal(id, events[index]!.id);
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(type, "job.updated");
    assert.equal(at, new Date(at).toISOString());
  }
});
