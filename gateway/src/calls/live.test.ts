import assert from "node:assert/strict";
import { after, test } from "node:test";
import { systemClock, VirtualClock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { systemChance } from "../lib/ids.ts";
import { until } from "../lib/until.testing.ts";
import { testStore } from "../store/testing.ts";
import { announcer } from "../telemetry/notifier.outbox.ts";
import { administrator, instanceOf, listening, visitor } from "./live.testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const announce = announcer({ clock: systemClock, chance: systemChance, always: [] });
const happens = (job: number) =>
  db.transaction().execute((tx) => announce(tx, "job.dead", { job_id: job, project_id: 1 }));

test("what happened before somebody came is told to those alone who say where they stopped", async () => {
  const live = await instanceOf(store);
  const early = listening();
  live.join(administrator, undefined, early);
  await early.until(() => early.ready.length === 1);
  for (const job of [1, 2, 3]) await happens(job);
  await early.until(() => early.ids.length === 3);
  const late = listening();
  const back = listening();
  live.join(administrator, undefined, late);
  live.join(administrator, early.ids[0], back);
  await back.until(() => back.ids.length === 2 && late.ready.length === 1);
  await happens(4);
  await late.until(() => late.ids.length === 1 && back.ids.length === 3 && early.ids.length === 4);
  assert.deepEqual([early.jobs, back.jobs, late.jobs], [[1, 2, 3, 4], [2, 3, 4], [4]]);
  assert.deepEqual([early.ready, back.ready, late.ready], [[true], [false], [true]]);
  await live.close();
});

test("who takes nothing holds up nobody, goes on where it stopped, and is ended after half a minute", async () => {
  const live = await instanceOf(store);
  const [slow, quick] = [listening(), listening()];
  live.join(administrator, undefined, slow);
  live.join(administrator, undefined, quick);
  await until(() => slow.ready.length + quick.ready.length === 2);
  slow.waiting = 100_000;
  for (const job of [1, 2, 3]) await happens(job);
  await quick.until(() => quick.ids.length === 3);
  assert.deepEqual(slow.jobs, []);
  slow.waiting = 0;
  await slow.until(() => slow.ids.length === 3);
  assert.deepEqual(slow.ids, quick.ids);
  await live.close();
  assert.deepEqual([slow.ended, quick.ended], ["stopping", "stopping"]);

  const clock = new VirtualClock();
  const patient = await instanceOf(store, { clock });
  const stuck = listening();
  patient.join(administrator, undefined, stuck);
  await stuck.until(() => stuck.ready.length === 1);
  stuck.waiting = 100_000;
  clock.advance(30_000);
  assert.equal(stuck.ended, undefined);
  // Each look may wait for its turn.
  await until(() => {
    clock.advance(1_000);
    return stuck.ended !== undefined;
  });
  assert.equal(stuck.ended, "slow");
});

test("whoever may not stay is ended before it is told anything more", async () => {
  const refused = new TollgateError("AUTH_INVALID");
  let isGood = true;
  const live = await instanceOf(store, {
    async stay(one) {
      if (!isGood) throw refused;
      return one;
    },
  });
  const one = listening();
  live.join(administrator, undefined, one);
  await one.until(() => one.ready.length === 1);
  isGood = false;
  await happens(1);
  await one.until(() => one.ended !== undefined);
  assert.deepEqual([one.ended, one.ids], [refused, []]);
  await live.close();
});

test("a listener too many is refused: of the process, and of one user", async () => {
  const live = await instanceOf(store, { maxListeners: 20 });
  const join = (user: string) => live.join(visitor(user), undefined, listening());
  const leave = join("usr_0");
  join("usr_0");
  assert.throws(() => join("usr_0"), { code: "RATE_LIMITED" });
  leave();
  for (let user = 1; user < 20; user++) join(`usr_${user}`);
  assert.throws(() => join("usr_20"), { code: "OVERLOADED" });
  await live.close();
  assert.throws(() => join("usr_0"), { code: "OVERLOADED" });
});

test("a database that is away loses nothing, and ends nobody", async () => {
  const troubles: unknown[] = [];
  let isDown = false;
  const broken = db.withPlugin({
    transformQuery({ node }) {
      if (isDown) throw new Error("away");
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  const live = await instanceOf(
    { ...store, db: broken },
    { onTrouble: (error) => void troubles.push(error) },
  );
  const one = listening();
  live.join(administrator, undefined, one);
  await one.until(() => one.ready.length === 1);
  isDown = true;
  await happens(1);
  await until(() => troubles.length > 0);
  isDown = false;
  // Events of other tests may come late: a transaction anywhere on the server holds all of them back.
  await one.until(() => one.ids.length >= 1);
  assert.equal(one.ended, undefined);
  await live.close();
});
